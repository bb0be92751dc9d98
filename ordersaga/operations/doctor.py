"""Looks at everything that ordersaga needs: one line each, and what to do if something is wrong."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ordersaga.errors import REFUSED, UNREACHABLE, WRONG_USAGE, OrderSagaError, WrongSetting

if TYPE_CHECKING:
    from temporalio.client import Client

    from ordersaga.bootstrap.settings import Settings


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check.

    Attributes:
        finding: what was found, or what is wrong.
        advice: what to do about it; empty when all is well.
        exit_code: 0 when all is well.
    """

    name: str
    ok: bool
    finding: str
    advice: str = ""
    exit_code: int = 0


def _bad(name: str, finding: str, advice: str, exit_code: int = UNREACHABLE) -> Check:
    return Check(name, False, finding, advice, exit_code)


async def examine() -> list[Check]:
    """Run every check; one that cannot be made because of an earlier one is left out."""
    from ordersaga.bootstrap.settings import load_settings

    try:
        settings = load_settings()
    except WrongSetting as error:
        return [_bad("settings", str(error), "correct the variable or the file", WRONG_USAGE)]
    return [
        _settings(settings),
        *await _database(settings),
        *await _temporal(settings),
        await _payment(settings),
        await _carrier(settings),
    ]


def _settings(settings: "Settings") -> Check:
    from ordersaga.bootstrap.settings import unknown_variables

    if unknown := unknown_variables():
        finding = f"nothing is called {', '.join(unknown)}"
        return _bad("settings", finding, "correct or remove the variable", WRONG_USAGE)
    return Check("settings", True, f"payment provider {settings.payment_provider}")


async def _database(settings: "Settings") -> list[Check]:
    import asyncpg

    from ordersaga.bootstrap.wiring import reaching_database

    try:
        with reaching_database(settings):
            connection = await asyncpg.connect(settings.dsn(), timeout=5)
        version = await connection.fetchval("SHOW server_version")
        await connection.close()
    except OrderSagaError as error:
        return [_bad("database", *_split(str(error)))]
    found = f"PostgreSQL {version} at {settings.database_location()}"
    schema = await _schema(settings)
    answers = Check("database", True, found)
    return [answers, schema, await _partitions(settings)] if schema.ok else [answers, schema]


async def _schema(settings: "Settings") -> Check:
    from eventstore.errors import SchemaUnsupported
    from ordersaga.bootstrap.schema import pending_migrations

    try:
        missing = await pending_migrations(settings.dsn())
    except SchemaUnsupported as error:
        return _bad("schema", *_split(str(error)), REFUSED)
    if missing:
        return _bad("schema", f"lacks {', '.join(missing)}", "run `ordersaga migrate`")
    return Check("schema", True, "up to date")


async def _partitions(settings: "Settings") -> Check:
    from eventstore.postgres.growth.partitions import layout_at

    found = await layout_at(settings.dsn())
    name = "partitions"
    if found.partitions_ahead is None:
        if found.unfinished:
            advice = "run `ordersaga store partition` again"
            return _bad(name, "a cut of the events was broken off", advice, REFUSED)
        return Check(name, True, "events are kept in one table")
    if found.partitions_ahead < 1:
        finding = f"{max(found.partitions_ahead, 0):.1f} are left"
        return _bad(name, finding, "run `ordersaga store add-partitions`", REFUSED)
    return Check(name, True, f"{found.partitions_ahead:.1f} are ready")


async def _temporal(settings: "Settings") -> list[Check]:
    from ordersaga.bootstrap.wiring import connect_temporal, temporal_config

    try:
        client = await connect_temporal(settings)
    except OrderSagaError as error:
        return [_bad("temporal", *_split(str(error)))]
    address = temporal_config(settings)["target_host"]
    return [
        Check("temporal", True, f"answers at {address}"),
        await _namespace(client),
        await _search_attributes(client),
    ]


async def _namespace(client: "Client") -> Check:
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.service import RPCError

    try:
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
    except RPCError as error:
        advice = f"create it: temporal operator namespace create -n {client.namespace}"
        return _bad("namespace", f"{client.namespace}: {error.message}", advice)
    return Check("namespace", True, client.namespace)


async def _search_attributes(client: "Client") -> Check:
    from temporalio.service import RPCError

    from workers.search_attributes import SearchAttributeMismatch, missing_search_attributes

    try:
        missing = await missing_search_attributes(client)
    except RPCError as error:
        return _bad("search attributes", error.message, "ask whoever runs Temporal")
    except SearchAttributeMismatch as error:
        return _bad("search attributes", *_split(str(error)))
    if missing:
        finding = f"lacks {', '.join(key.name for key in missing)}"
        return _bad("search attributes", finding, "start a worker: it registers them")
    return Check("search attributes", True, "registered")


async def _payment(settings: "Settings") -> Check:
    from ordersaga.bootstrap.wiring import build_payments

    payments = build_payments(settings)
    name = "payment provider"
    where = "Stripe" if settings.payment_provider == "stripe" else str(settings.payment_url)
    try:
        return await _asked(name, where, lambda: payments.find("doctor"))
    finally:
        await payments.close()


async def _carrier(settings: "Settings") -> Check:
    from ordersaga.bootstrap.wiring import build_carrier

    carrier = build_carrier(settings)
    try:
        return await _asked("carrier", str(settings.carrier_url), lambda: carrier.find("doctor"))
    finally:
        await carrier.close()


async def _asked(name: str, where: str, question: Callable[[], Awaitable[object]]) -> Check:
    """Ask a gateway something harmless: for a key that nobody ever used."""
    from activities.ports import GatewayError, GatewayRejected

    try:
        await question()
    except GatewayRejected as error:
        return _bad(name, f"{where}: {error}", "check its address and credentials")
    except GatewayError as error:
        return _bad(name, f"{where}: {error}", "check its address or start `ordersaga up`")
    return Check(name, True, f"answers at {where}")


def _split(message: str) -> tuple[str, str]:
    finding, _, advice = message.partition(": ")
    return finding, advice
