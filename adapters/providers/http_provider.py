"""Base of the payment and carrier clients: one record per idempotency key."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from activities.ports import UnclearRecord
from adapters.providers.http_service import HttpService, NotFound, in_path
from adapters.providers.rules import Record
from adapters.providers.wire import LabelPage, PaymentPage, RecordBody

Page = TypeVar("Page", PaymentPage, LabelPage)

_PAGE: Final = 500


class HttpProvider(Generic[Record]):
    """The records below `path` of a service.

    Args:
        service: the service.
        path: where its records are.
        answer: the class of the bodies that it answers with.
        reference: the field of a body that names the record.
    """

    def __init__(
        self, service: HttpService, path: str, answer: type[RecordBody[Record]], reference: str
    ) -> None:
        self._service = service
        self._path = path
        self._answer: type[RecordBody[Record]] = answer
        self._reference = reference

    async def find(self, idempotency_key: str) -> Record | None:
        """The record in its current state, or None if the key was never used."""
        path = f"{self._path}/by-key/{in_path(idempotency_key)}"
        try:
            return (await self._service.get(path, self._answer)).to_record()
        except NotFound:
            return None

    async def close(self) -> None:
        """Release connections."""
        await self._service.close()

    async def _post(
        self, path: str, body: BaseModel | None, key: str | None, **expected: object
    ) -> Record:
        """Post to a path below `path`; the record in the answer must have the expected fields."""
        path = self._path + path
        record = (await self._service.post(path, body, key, self._answer)).to_record()
        if any(getattr(record, name) != value for name, value in expected.items()):
            self._service.reject_answer(path, changes=True)
        return record

    async def _listing(
        self, page_class: type[Page], items: Callable[[Page], Sequence[Any]]
    ) -> AsyncIterator[Record | UnclearRecord]:
        after: int | None = 0
        while after is not None:
            query = {"after": after, "limit": _PAGE}
            page = await self._service.get(self._path, page_class, query)
            for item in items(page):
                yield self._placed(item)
            after = page.next

    def _placed(self, item: Any) -> Record | UnclearRecord:
        try:
            return self._answer.model_validate_json(json.dumps(item)).to_record()
        except ValidationError as error:
            fields = sorted({str(each["loc"][0]) for each in error.errors() if each["loc"]})
            name = item.get(self._reference) if isinstance(item, dict) else None
            reference = name if isinstance(name, str) else "without a reference"
            return UnclearRecord(reference, f"cannot be read: {', '.join(fields) or 'no record'}")
