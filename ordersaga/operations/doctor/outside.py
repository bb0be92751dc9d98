"""Checks of Temporal, the payment provider and the carrier."""

import asyncio

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities.ports import GatewayError, GatewayRefusedAccess, GatewayRejected
from ordersaga.bootstrap.providers import Carriers, Payments
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.temporal import connect_temporal, temporal_config
from ordersaga.errors import OrderSagaError
from ordersaga.operations.doctor.diagnosis import LIMIT_S, Diagnosis, bad, from_message
from workers.search_attributes import SearchAttributeMismatch, missing_search_attributes


async def temporal_checks(settings: Settings) -> list[Diagnosis]:
    """Whether Temporal answers, and has what sagas need."""
    address = temporal_config(settings)["target_host"]
    diagnoses: list[Diagnosis] = []
    try:
        async with asyncio.timeout(LIMIT_S):
            client = await connect_temporal(settings)
            diagnoses.append(Diagnosis("temporal", True, f"answers at {address}"))
            diagnoses += [await _namespace(client), await _search_attributes(client)]
    except OrderSagaError as error:
        return [from_message("temporal", str(error))]
    except TimeoutError:
        silent = f"{address} did not answer in time"
        return [bad("temporal", silent, "check TEMPORAL_ADDRESS, and whether it is overloaded")]
    return diagnoses


async def _namespace(client: Client) -> Diagnosis:
    try:
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
    except RPCError as error:
        advice = f"create it: temporal operator namespace create -n {client.namespace}"
        return bad("namespace", f"{client.namespace}: {error.message}", advice)
    return Diagnosis("namespace", True, client.namespace)


async def _search_attributes(client: Client) -> Diagnosis:
    try:
        missing = await missing_search_attributes(client)
    except RPCError as error:
        return bad("search attributes", error.message, "ask whoever operates Temporal")
    except SearchAttributeMismatch as error:
        return from_message("search attributes", str(error))
    if missing:
        finding = f"lacks {', '.join(key.name for key in missing)}"
        return bad("search attributes", finding, "start a worker, which registers them")
    return Diagnosis("search attributes", True, "registered")


async def asked(name: str, where: str, gateway: Payments | Carriers) -> Diagnosis:
    """Send a gateway a harmless request: look up a key that was never used."""
    try:
        async with asyncio.timeout(LIMIT_S):
            await gateway.find("doctor")
    except GatewayRefusedAccess as error:
        advice = "repair our credentials: until then orders wait for it"
        return bad(name, f"{where} does not accept our credentials: {error}", advice)
    except GatewayRejected as error:
        return bad(name, f"{where}: {error}", "check its address and credentials")
    except (GatewayError, TimeoutError) as error:
        reason = str(error) or "no answer in time"
        return bad(name, f"{where}: {reason}", "check its address or start `ordersaga up`")
    finally:
        await gateway.close()
    return Diagnosis(name, True, f"answers at {where}")
