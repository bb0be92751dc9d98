"""What deliveries and returns share: activities, what operators see, asking one and being told."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypeVar

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError

from activities.messages import OperatorAction, SagaRef
from workflows.common.failures import is_store_down, root_of
from workflows.common.search_attributes import NEEDS_ATTENTION, ORDER_STATUS, SAGA_STEP
from workflows.documents.messages import OperatorMessage, ResolveMessage, parse_message
from workflows.documents.validation import InvalidDocument
from workflows.fulfillment.operators import ACCEPTED, NotPossibleNow
from workflows.fulfillment.state import Decision
from workflows.policies import Policy

A = TypeVar("A")
P = TypeVar("P")
R = TypeVar("R")

_STORE_PAUSE: Final = timedelta(seconds=15)


class Attended(ABC):
    """A workflow that people look at, and that may wait for one of them."""

    def __init__(self) -> None:
        self.stage = "starting"
        self.order_status = "starting"
        self.waits_for = "the first step"
        self.attention: dict[str, str] = {}
        self._asking: str | None = None
        self._decision: Decision | None = None
        self._acts: list[OperatorAction] = []
        self._uses: Counter[str] = Counter()
        self._shown: dict[str, Any] = {}

    @abstractmethod
    async def record_attention(self, at_step: str, waiting_for: str) -> None:
        """Put on record, and announce, that a person must act."""

    @abstractmethod
    async def record_operators(self, acts: tuple[OperatorAction, ...]) -> None:
        """Put on record who steered this workflow."""

    @property
    def ref(self) -> SagaRef:
        """Which run asks."""
        info = workflow.info()
        return SagaRef(info.workflow_id, info.run_id)

    # --- retry and resolve -----------------------------------------------------------------------

    @workflow.update(description='Try what failed again, now: {"actor", "reason"}')
    def retry(self, *inputs: Any) -> dict[str, Any]:
        """Try what failed again, with a fresh budget."""
        message = parse_message(OperatorMessage, inputs)
        self._acts.append(OperatorAction(message.actor, "retry", message.reason))
        self._decision = Decision(settled_by=None)
        return ACCEPTED

    @retry.validator
    def _can_retry(self, *inputs: Any) -> None:
        parse_message(OperatorMessage, inputs)
        self._check_asks()

    @workflow.signal(name="retry", description="The same as the update, for use in bulk")
    def retry_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("retry", inputs, self._can_retry, self.retry)

    @workflow.update(
        description='What needs attention was settled by hand; say how: {"actor", "note"}'
    )
    def resolve(self, *inputs: Any) -> dict[str, Any]:
        """Take a person's word for it and go on."""
        message = parse_message(ResolveMessage, inputs)
        by = OperatorAction(message.actor, "resolve", message.note)
        self._acts.append(by)
        self._decision = Decision(settled_by=by)
        return ACCEPTED

    @resolve.validator
    def _can_resolve(self, *inputs: Any) -> None:
        parse_message(ResolveMessage, inputs)
        self._check_asks()

    @workflow.signal(name="resolve", description="The same as the update, for use in bulk")
    def resolve_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("resolve", inputs, self._can_resolve, self.resolve)

    def _check_asks(self) -> None:
        if self._asking is None or self._decision is not None:
            raise NotPossibleNow(f"nothing waits for an operator: it is at {self.stage}")

    def quietly(
        self,
        name: str,
        inputs: Sequence[Any],
        check: Callable[..., None],
        act: Callable[..., object],
    ) -> None:
        """Act on a signal, which cannot be refused: one that does not fit is logged."""
        try:
            check(*inputs)
        except (InvalidDocument, NotPossibleNow) as refusal:
            workflow.logger.warning("ignored the signal %s: %s", name, refusal)
        else:
            act(*inputs)

    async def ask_operator(
        self, at_step: str, problem: str, unless: Callable[[], bool] = lambda: False
    ) -> Decision | None:
        """Say that a person must act and wait until one has; None: `unless` came true first."""
        self._asking, self._decision = at_step, None
        self.require(at_step, problem)
        announcing = asyncio.create_task(self.record_attention(at_step, problem))
        await workflow.wait_condition(lambda: self._decision is not None or unless())
        await let_go(announcing)
        decision, self._decision, self._asking = self._decision, None, None
        self.settle(at_step)
        acts, self._acts = tuple(self._acts), []
        if acts:
            await self.record_operators(acts)
        return decision

    def require(self, at_step: str, problem: str) -> None:
        """Show that a person must act at `at_step`."""
        self.attention[at_step] = problem
        self.show()

    def settle(self, at_step: str) -> None:
        """Show that nobody needs to act at `at_step` any more."""
        self.attention.pop(at_step, None)
        self.show()

    # --- activities ------------------------------------------------------------------------------

    async def run_activity(
        self,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        policy: Policy,
        summary: str,
    ) -> R:
        """Run an activity; only if the event store is away, try on and on.

        Raises:
            ActivityError: it failed for good.
        """
        while True:
            try:
                return await workflow.execute_activity_method(
                    method,
                    args=[request],
                    task_queue=queue,
                    activity_id=self._activity_id(method.__name__.replace("_", "-")),
                    summary=summary,
                    start_to_close_timeout=policy.attempt,
                    retry_policy=policy.backoff,
                    cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                )
            except ActivityError as error:
                if not is_store_down(error):
                    raise
            await workflow.sleep(_STORE_PAUSE, summary="then ask the event store again")

    def _activity_id(self, name: str) -> str:
        self._uses[name] += 1
        return name if self._uses[name] == 1 else f"{name}-{self._uses[name]}"

    # --- what people see -------------------------------------------------------------------------

    def enter(self, stage: str, waits_for: str) -> None:
        """Show what the workflow is at and what it waits for."""
        self.stage, self.waits_for = stage, waits_for
        self.show()

    def show(self) -> None:
        """Bring the sentence and the search attributes up to date."""
        workflow.set_current_details(self._sentence())
        wanted: tuple[tuple[SearchAttributeKey[Any], Any], ...] = (
            (ORDER_STATUS, self.order_status),
            (SAGA_STEP, self.stage),
            (NEEDS_ATTENTION, bool(self.attention)),
        )
        changes = [
            key.value_set(value) for key, value in wanted if self._shown.get(key.name) != value
        ]
        self._shown.update({key.name: value for key, value in wanted})
        if changes:
            workflow.upsert_search_attributes(changes)

    def _sentence(self) -> str:
        needed = "; ".join(self.attention.values())
        attention = f"**Needs attention**: {needed}. " if needed else ""
        return f"{attention}Waits for {self.waits_for}."


async def let_go(announcing: "asyncio.Task[None]") -> None:
    """An operator who acts need not be called any more, if the pager is still down."""
    announcing.cancel()
    with suppress(ActivityError, asyncio.CancelledError):
        await announcing


def message_of(error: BaseException) -> str:
    """What went wrong in an activity, for people; the texts of our own activities are safe."""
    root = root_of(error)
    return root.message if isinstance(root, ApplicationError) else "no answer in the time allowed"


def type_of(error: BaseException) -> str | None:
    """The name of what went wrong in an activity, as `activities.failures` has them."""
    root = root_of(error)
    return root.type if isinstance(root, ApplicationError) else None
