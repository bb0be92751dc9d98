"""``open``: starts a return, once, and tells at once whether it is open.

The update is sent together with the start. Its validator compares the document with the return that
runs under the id. The event store decides whether the order allows the return; the update waits for
that answer.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.failures import RETURN_CONFLICT
from activities.returns.messages import ReturnDocument
from workflows import policies
from workflows.common.operator_requests import ACCEPTED, PENDING, NotPossibleNow
from workflows.documents.answers import UpdateAnswer
from workflows.documents.messages import json_of
from workflows.documents.returns import parse_return
from workflows.documents.validation import FieldProblem, InvalidDocument
from workflows.returns.handlers import ReturnState
from workflows.returns.status import return_digest


@dataclass(slots=True)
class Opening:
    """Takes the return on, and answers ``open``.

    Attributes:
        state: of the return.
        refusal: why there will be no return; None: it is open, or not decided yet.
    """

    state: ReturnState
    refusal: ApplicationError | None = None
    _waiting: int = 0

    def accept(self, raw: RawValue) -> None:
        """Take the document on, before any message is looked at."""
        try:
            self.state.document = read_return(raw)
        except InvalidDocument as error:
            self.refusal = error

    def check(self, raw: RawValue) -> None:
        """Refuse a document that is wrong, or describes another return than this one.

        Raises:
            InvalidDocument: names every wrong field.
            ApplicationError: ReturnConflict.
            NotPossibleNow: too many calls wait for the event store.
        """
        document, own = read_return(raw), self.state.document
        if own is None:
            raise InvalidDocument((FieldProblem("document", "that the return got is refused"),))
        if return_digest(document) != return_digest(own):
            problem = f"return {own.return_id} exists already with other content"
            raise ApplicationError(problem, type=RETURN_CONFLICT, non_retryable=True)
        if self._waiting >= policies.MOST_WAITING:
            raise NotPossibleNow(f"{self._waiting} calls wait for the event store: open it later")

    async def until_decided(self) -> UpdateAnswer:
        """Wait, but not for long, until the event store has opened or refused the return.

        Raises:
            ApplicationError: ReturnConflict or ReturnRefused.
        """
        self._waiting += 1
        try:
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: self._is_decided or self.state.progress.run_is_full,
                    timeout=policies.ANSWER_WITHIN,
                    timeout_summary="then whoever opened the return is answered",
                )
        finally:
            self._waiting -= 1
        if self.refusal:
            raise self.refusal
        return ACCEPTED if self.state.case else PENDING

    @property
    def _is_decided(self) -> bool:
        return self.state.case is not None or self.refusal is not None


def read_return(raw: RawValue) -> ReturnDocument:
    """The return that an input describes; raises InvalidDocument."""
    return parse_return(json_of(raw), workflow.info().workflow_id)
