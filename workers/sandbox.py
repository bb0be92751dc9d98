"""The sandbox for workflows: Temporal's, without two costly features that are not used."""

from typing import Any, Final

from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info

# Workflows share these modules instead of importing them again for each run. That takes a fifth of
# the time and half the memory. It is safe because they keep no state between calls.
PASSED_THROUGH: Final = ("domain", "eventstore", "activities", "workflows", "structlog")

_NOWHERE: Final = StorageDriverStoreContext()


def workflow_runner() -> WorkflowRunner:
    """The sandbox, with our packages passed through."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return _Sandbox(restrictions=restrictions)


class _Sandbox(SandboxedWorkflowRunner):
    """Temporal's sandbox, without questions to workflows about the context of payloads."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """See `SandboxedWorkflowRunner`."""
        return _WithoutContext(super().create_instance(det))


class _WithoutContext(WorkflowInstance):
    """Answers questions about the context of payloads without entering the sandbox.

    Temporal asks several times for each payload, and each time compiles and runs code inside the
    sandbox: a third of a saga's cost in its worker. Only a data converter that uses contexts, or a
    storage driver for payloads, needs the answers. We have neither.
    """

    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance

    def activate(self, act: Any) -> Any:
        """See `WorkflowInstance`."""
        return self._instance.activate(act)

    def get_serialization_context(self, command_info: Any) -> None:
        """None: the data converter needs no context."""

    def get_external_store_context(
        self,
        command_info: Any,  # noqa: ARG002  Temporal names it so
    ) -> StorageDriverStoreContext:
        """Empty: no payload is stored elsewhere."""
        return _NOWHERE

    def get_info(self) -> Info:
        """See `WorkflowInstance`."""
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        """See `WorkflowInstance`."""
        return self._instance.get_thread_id()
