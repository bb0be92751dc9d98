"""Asks running sagas for what does not stand in the inputs of their activities."""

from datetime import timedelta
from typing import Final

from temporalio.client import Client

from domain.fields import parse_token
from domain.values import Address
from workflows.documents.parts import AddressModel
from workflows.documents.validation import validate

_PATIENCE: Final = timedelta(seconds=5)


class RunningSagas:
    """The sagas of a Temporal server; see `activities.ports.Sagas`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def address_change(self, workflow_id: str, run_id: str) -> Address | None:
        """The delivery address that a saga wants recorded; None: it wants none.

        Raises:
            RPCError, WorkflowQueryFailedError: Temporal or the saga does not answer.
        """
        saga = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        answer = await saga.query("address_change", rpc_timeout=_PATIENCE)
        return None if answer is None else validate(AddressModel, answer, "address").to_domain()

    async def payment_token(self, workflow_id: str, run_id: str) -> str | None:
        """The token that a saga wants recorded; None: it wants none.

        Raises:
            RPCError, WorkflowQueryFailedError: Temporal or the saga does not answer.
            InvalidValue: it is no token.
        """
        saga = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        answer = await saga.query("payment_token", rpc_timeout=_PATIENCE)
        return None if answer is None else parse_token(answer, "token")
