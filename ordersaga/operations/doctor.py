"""Checks everything that ordersaga needs, and says what to do if something is wrong."""

from dataclasses import dataclass

import asyncpg
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities.ports import GatewayError, GatewayRejected
from eventstore.errors import SchemaUnsupported
from eventstore.postgres.growth.partitions import layout_at
from ordersaga.bootstrap.providers import Carriers, Payments, build_carrier, build_payments
from ordersaga.bootstrap.schema import pending_migrations
from ordersaga.bootstrap.settings import Settings, load_settings, unknown_variables
from ordersaga.bootstrap.temporal import connect_temporal, temporal_config
from ordersaga.bootstrap.wiring import reaching_database
from ordersaga.errors import REFUSED, UNREACHABLE, WRONG_USAGE, OrderSagaError, WrongSetting
from workers.search_attributes import SearchAttributeMismatch, missing_search_attributes


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of one check.

    Attributes:
        finding: what is there, or what is wrong.
        advice: what to do; empty if nothing is wrong.
        exit_code: 0 if nothing is wrong.
    """

    name: str
    ok: bool
    finding: str
    advice: str = ""
    exit_code: int = 0


def _bad(name: str, finding: str, advice: str, exit_code: int = UNREACHABLE) -> Diagnosis:
    return Diagnosis(name, False, finding, advice, exit_code)


async def examine() -> list[Diagnosis]:
    """Run every check, except those that an earlier failure makes impossible."""
    try:
        settings = load_settings()
    except WrongSetting as error:
        return [_bad("settings", str(error), "correct the variable or the file", WRONG_USAGE)]
    provider = "Stripe" if settings.payment_provider == "stripe" else str(settings.payment_url)
    return [
        _settings(settings),
        *await _database(settings),
        *await _temporal(settings),
        await _ask("payment provider", provider, build_payments(settings)),
        await _ask("carrier", str(settings.carrier_url), build_carrier(settings)),
    ]


def _settings(settings: Settings) -> Diagnosis:
    if unknown := unknown_variables():
        finding = f"unknown: {', '.join(unknown)}"
        return _bad("settings", finding, "correct or remove the variable", WRONG_USAGE)
    return Diagnosis("settings", True, f"payment provider {settings.payment_provider}")


async def _database(settings: Settings) -> list[Diagnosis]:
    try:
        with reaching_database(settings):
            connection = await asyncpg.connect(settings.dsn(), timeout=5)
        version = await connection.fetchval("SHOW server_version")
        await connection.close()
    except OrderSagaError as error:
        return [_bad("database", *_split(str(error)))]
    finding = f"PostgreSQL {version} at {settings.database_location()}"
    schema = await _schema(settings)
    answers = Diagnosis("database", True, finding)
    return [answers, schema, await _partitions(settings)] if schema.ok else [answers, schema]


async def _schema(settings: Settings) -> Diagnosis:
    try:
        missing = await pending_migrations(settings.dsn())
    except SchemaUnsupported as error:
        return _bad("schema", *_split(str(error)), REFUSED)
    if missing:
        return _bad("schema", f"lacks {', '.join(missing)}", "run `ordersaga migrate`")
    return Diagnosis("schema", True, "up to date")


async def _partitions(settings: Settings) -> Diagnosis:
    layout = await layout_at(settings.dsn())
    name = "partitions"
    if layout.partitions_ahead is None:
        if layout.unfinished:
            advice = "run `ordersaga store partition` again"
            return _bad(name, "the partitioning of the events was interrupted", advice, REFUSED)
        return Diagnosis(name, True, "events are kept in one table")
    if layout.partitions_ahead < 1:
        finding = f"{max(layout.partitions_ahead, 0):.1f} are left"
        return _bad(name, finding, "run `ordersaga store add-partitions`", REFUSED)
    return Diagnosis(name, True, f"{layout.partitions_ahead:.1f} are ready")


async def _temporal(settings: Settings) -> list[Diagnosis]:
    try:
        client = await connect_temporal(settings)
    except OrderSagaError as error:
        return [_bad("temporal", *_split(str(error)))]
    address = temporal_config(settings)["target_host"]
    return [
        Diagnosis("temporal", True, f"answers at {address}"),
        await _namespace(client),
        await _search_attributes(client),
    ]


async def _namespace(client: Client) -> Diagnosis:
    try:
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
    except RPCError as error:
        advice = f"create it: temporal operator namespace create -n {client.namespace}"
        return _bad("namespace", f"{client.namespace}: {error.message}", advice)
    return Diagnosis("namespace", True, client.namespace)


async def _search_attributes(client: Client) -> Diagnosis:
    try:
        missing = await missing_search_attributes(client)
    except RPCError as error:
        return _bad("search attributes", error.message, "ask whoever operates Temporal")
    except SearchAttributeMismatch as error:
        return _bad("search attributes", *_split(str(error)))
    if missing:
        finding = f"lacks {', '.join(key.name for key in missing)}"
        return _bad("search attributes", finding, "start a worker, which registers them")
    return Diagnosis("search attributes", True, "registered")


async def _ask(name: str, where: str, gateway: Payments | Carriers) -> Diagnosis:
    """Send a gateway a harmless request: look up a key that was never used."""
    try:
        await gateway.find("doctor")
    except GatewayRejected as error:
        return _bad(name, f"{where}: {error}", "check its address and credentials")
    except GatewayError as error:
        return _bad(name, f"{where}: {error}", "check its address or start `ordersaga up`")
    finally:
        await gateway.close()
    return Diagnosis(name, True, f"answers at {where}")


def _split(message: str) -> tuple[str, str]:
    finding, _, advice = message.partition(": ")
    return finding, advice
