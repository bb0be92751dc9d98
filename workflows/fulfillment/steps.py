"""How the saga runs one activity: between safe points, interruptible, visible."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

from activities.messages import (
    ORDERS_QUEUE,
    ChangeAddress,
    OperatorAction,
    RecordOperator,
    SagaRef,
)
from activities.orders.activities import OrderActivities
from domain.values import Compensation, Step
from workflows.common.failures import (
    ReservationExpired,
    describe,
    is_refusal,
    is_store_down,
    ran_out,
)
from workflows.fulfillment.state import ON_HOLD
from workflows.fulfillment.visibility import Visibility
from workflows.fulfillment.wishes import Wishes
from workflows.policies import RECORD, RESERVATION_HELD_FOR, STEP, Policy

A = TypeVar("A")
P = TypeVar("P")
R = TypeVar("R")


class Steps(Wishes):
    """What every step of the saga does besides its business."""

    def __init__(self) -> None:
        super().__init__()
        self.visibility = Visibility()
        self._uses: Counter[str] = Counter()

    @property
    def ref(self) -> SagaRef:
        """Which saga asks."""
        info = workflow.info()
        return SagaRef(info.workflow_id, info.run_id)

    def enter(self, stage: str, waits_for: str) -> None:
        """Show what the saga is at and what it waits for."""
        self.state.stage, self.state.waits_for = stage, waits_for
        self.visibility.show(self.state)

    async def step(
        self,
        step: Step,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        waits_for: str,
        undo: Compensation | None = None,
    ) -> R:
        """Run one forward step; its undoing is registered before it starts.

        Raises:
            ActivityError: the step failed for good.
            CancelledError: the order is to be cancelled, and the step was not the last one.
        """
        self.state.step = step
        await self.safe_point()
        if undo and undo not in self.state.compensations:
            self.state.compensations.append(undo)
        self.enter(step.value, waits_for)
        result = await self.run_activity(method, request, queue, step.value, STEP)
        if step is self.state.last_step:
            self.state.past_pivot = True
        else:
            self.stop_if_cancelled()
        return result

    async def run_activity(
        self,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        name: str,
        policy: Policy,
    ) -> R:
        """Run an activity, and again with a fresh budget each time an operator asks for a retry.

        Raises:
            ActivityError: it failed for good, or was interrupted by a cancel.
        """
        while True:
            self._retry_now = False
            summary = f"wait for {self.state.waits_for}"
            budget = self._budget(policy)
            handle = self._start(method, request, queue, name, summary, budget)
            self._running = handle.cancel
            try:
                return await handle
            except ActivityError as error:
                if self._goes_on(error, budget):
                    continue
                failure = error
            finally:
                self._running = None
            if not await self._held_instead_of_giving_up(failure):
                raise failure

    def _budget(self, policy: Policy) -> Policy:
        """What an activity may take now: little at first, if that is how a slow saga is noticed."""
        notices = self.visibility.by_first_try and not self.visibility.every_change
        return policy.first if policy.first and notices else policy

    def _goes_on(self, error: ActivityError, budget: Policy) -> bool:
        """Whether the activity is to be asked for again, whatever it failed of."""
        if self._retry_now:
            return True
        if not self.state.turning_back and self.cancel_wanted():
            return False
        return self._only_waits_for_the_store(error) or self._was_a_first_try(error, budget)

    def _only_waits_for_the_store(self, error: ActivityError) -> bool:
        """Whether there is nothing to do but to go on trying: turning back needs the store too."""
        if not is_store_down(error):
            return False
        self.state.waits_for = "the event store, which does not answer"
        self.visibility.follow(self.state)
        return True

    def _was_a_first_try(self, error: ActivityError, budget: Policy) -> bool:
        """Whether only the first, short try is used up; the saga is a slow one then."""
        if budget.waiting is None or not ran_out(error):
            return False
        self.visibility.follow(self.state)
        return True

    async def _held_instead_of_giving_up(self, error: ActivityError) -> bool:
        """Wait on hold if an operator asked for it; whether the step is to be tried again then.

        That is what holding the orders of a provider that is down is for: they do not turn back.
        """
        gives_up = self.state.turning_back or self.cancel_wanted() or is_refusal(error)
        if self.state.held_by is None or gives_up:
            return False
        stage, waits_for = self.state.stage, self.state.waits_for
        try:
            await self.safe_point()
        except (asyncio.CancelledError, CancelledError):
            if not self.cancel_wanted():
                raise  # this worker is letting go of the saga
            return False
        self.enter(stage, waits_for)
        return True

    async def record(self, method: Callable[[A, P], Awaitable[R]], request: P, summary: str) -> R:
        """Write something into the saga's own trail, however long that takes."""
        if self.visibility.by_first_try:  # somebody works on it: show what becomes of it
            self.visibility.follow(self.state)
        name = method.__name__
        return await self._start(method, request, ORDERS_QUEUE, name, summary, RECORD)

    def _start(
        self,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        name: str,
        summary: str,
        policy: Policy,
    ) -> workflow.ActivityHandle[R]:
        return workflow.start_activity_method(
            method,
            args=[request],
            task_queue=queue,
            activity_id=self._activity_id(name.replace("_", "-")),
            summary=summary,
            schedule_to_start_timeout=policy.waiting,
            start_to_close_timeout=policy.attempt,
            retry_policy=policy.backoff,
            # A charge that is under way must end before anything is undone: the default would
            # start the refund while the charge is still running.
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )

    def _activity_id(self, name: str) -> str:
        """A readable id: the name, with a number from its second use on."""
        self._uses[name] += 1
        return name if self._uses[name] == 1 else f"{name}-{self._uses[name]}"

    async def record_operators(self) -> None:
        """Bring the acts of operators into the event store."""
        if actions := self.state.take_unrecorded():
            await self.record(
                OrderActivities.record_operator,
                RecordOperator(self.ref, self.state.order_id, actions),
                "record what an operator did",
            )

    async def safe_point(self) -> None:
        """Between two steps: carry out what operators asked for, and wait while on hold."""
        self.stop_if_cancelled()
        while self.state.unrecorded or self.state.held_by or self._due_address():
            await self._change_addresses()
            await self.record_operators()
            if self.state.held_by:
                await self._wait_for_resume(self.state.held_by)
            self.stop_if_cancelled()

    async def _wait_for_resume(self, by: OperatorAction) -> None:
        self.enter(ON_HOLD, f"{by.actor} to resume it: {by.reason}")
        self.visibility.follow(self.state)
        try:
            await workflow.wait_condition(
                lambda: (
                    self.state.held_by is None
                    or self.state.cancel is not None
                    or self._due_address()
                ),
                timeout=self._reservation_left(),
                timeout_summary="then the reserved stock goes back",
            )
        except TimeoutError:
            raise ReservationExpired from None

    def _reservation_left(self) -> timedelta | None:
        """How long the order may still keep its stock unpaid; None: nothing limits it."""
        shortage = self.state.shortage
        reserved_at = shortage.deadline if shortage else self.state.reserved_at
        if reserved_at is None or Compensation.UNDO_PAYMENT in self.state.compensations:
            return None
        left = reserved_at + RESERVATION_HELD_FOR - workflow.now()
        return max(left, timedelta())

    def _due_address(self) -> bool:
        """Whether there is an address to change, and an order whose address it is."""
        return bool(self.state.address_changes) and bool(self.state.compensations)

    async def _change_addresses(self) -> None:
        while self._due_address():
            change = self.state.address_changes.pop(0)
            request = ChangeAddress(self.ref, self.state.order_id, change.address, change.by)
            try:
                await self.record(
                    OrderActivities.change_address, request, "change the delivery address"
                )
            except ActivityError as error:
                if not is_refusal(error):
                    raise
                workflow.logger.warning("the address was not changed: %s", describe(error))

    def stop_if_cancelled(self) -> None:
        """A cancel that arrived while an activity was finishing shows nowhere else."""
        if self.cancel_wanted():
            raise CancelledError("the order is to be cancelled")

    def cancel_wanted(self) -> bool:
        """Whether the order is to be cancelled, by whatever way that was asked for."""
        return self.state.cancel is not None or workflow.cancellation_reason() is not None
