"""The sandbox that workflows run in: Temporal's, without what costs much and gives us nothing."""

from typing import Any, Final

from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info

# Workflows share these modules instead of importing them again for each run: a fifth of the time
# and half the memory. They may, as nothing in them keeps state between calls.
PASSED_THROUGH: Final = ("domain", "eventstore", "activities", "workflows", "structlog")

_NOWHERE: Final = StorageDriverStoreContext()


def workflow_runner() -> WorkflowRunner:
    """The sandbox for workflows, with our packages passed through."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return _Sandbox(restrictions=restrictions)


class _Sandbox(SandboxedWorkflowRunner):
    """Temporal's sandbox; what asks a workflow about the context of a payload is answered here."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """See `SandboxedWorkflowRunner`."""
        return _WithoutContext(super().create_instance(det))


class _WithoutContext(WorkflowInstance):
    """A workflow that need not be asked about its payloads.

    Temporal asks several times for each payload, and each time compiles and runs a piece of code
    inside the sandbox: a third of what a saga costs the worker that runs it. A data converter that
    makes use of contexts, or a storage driver for payloads, would need the answers; ours does not
    and we have none.
    """

    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance

    def activate(self, act: Any) -> Any:
        """See `WorkflowInstance`."""
        return self._instance.activate(act)

    def get_serialization_context(self, command_info: Any) -> None:
        """None: the data converter is used as it is."""

    def get_external_store_context(
        self,
        command_info: Any,  # noqa: ARG002  Temporal names it so
    ) -> StorageDriverStoreContext:
        """Of nothing: no payload is stored elsewhere."""
        return _NOWHERE

    def get_info(self) -> Info:
        """See `WorkflowInstance`."""
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        """See `WorkflowInstance`."""
        return self._instance.get_thread_id()
