"""Base of the payment and carrier clients: one record per idempotency key."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Generic, TypeVar

from pydantic import BaseModel

from adapters.providers.http_service import HttpService, NotFound, in_path
from adapters.providers.rules import Record
from adapters.providers.wire import LabelPage, PaymentPage, RecordBody

Page = TypeVar("Page", PaymentPage, LabelPage)

_PAGE: Final = 500


class HttpProvider(Generic[Record]):
    """The records below `path` of a service, which answers with bodies of the class `answer`."""

    def __init__(self, service: HttpService, path: str, answer: type[RecordBody[Record]]) -> None:
        self._service = service
        self._path = path
        self._answer: type[RecordBody[Record]] = answer

    async def find(self, idempotency_key: str) -> Record | None:
        """The record in its current state, or None if the key was never used."""
        path = f"{self._path}/by-key/{in_path(idempotency_key)}"
        try:
            record = (await self._service.get(path, self._answer)).to_record()
        except NotFound:
            return None
        if record.idempotency_key != idempotency_key:
            self._service.reject_answer(path, changes=False)
        return record

    async def close(self) -> None:
        """Release connections."""
        await self._service.close()

    async def _post(
        self, path: str, body: BaseModel | None, key: str, **expected: object
    ) -> Record:
        """Post to a path below `path`; the record in the answer must have the expected fields."""
        path = self._path + path
        record = (await self._service.post(path, body, key, self._answer)).to_record()
        if any(getattr(record, name) != value for name, value in expected.items()):
            self._service.reject_answer(path, changes=True)
        return record

    async def _listing(
        self, page_class: type[Page], bodies: Callable[[Page], Sequence[RecordBody[Record]]]
    ) -> AsyncIterator[Record]:
        after: int | None = 0
        while after is not None:
            query = {"after": after, "limit": _PAGE}
            page = await self._service.get(self._path, page_class, query)
            for body in bodies(page):
                yield body.to_record()
            after = page.next
