"""What commands print, and the exit code of everything that can go wrong."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from uuid import UUID

import asyncpg
import pytest
from ordersaga_client import NotPossibleNow, OrderConflict, TemporalUnavailable
from temporalio.service import RPCError, RPCStatusCode

from activities.ports import GatewayRejected, OutcomeUnknown
from domain.errors import InvalidValue, NotFound
from domain.values import Outcome
from eventstore.errors import SchemaMissing, StoreUnavailable, VersionConflict
from ordersaga.cli.failures import FAULTS, RULES, error_line, explain
from ordersaga.cli.output import async_command, emit
from ordersaga.display.jsonable import to_jsonable
from ordersaga.display.tables import make_table
from ordersaga.display.text import printable
from ordersaga.errors import Refused, Unreachable, WrongSetting


@dataclass(frozen=True)
class Shown:
    when: datetime
    event_id: UUID
    outcome: Outcome
    parts: tuple[int, ...]


SHOWN = Shown(datetime(2026, 1, 2, tzinfo=UTC), UUID(int=7), Outcome.COMPLETED, (1, 2))


def test_everything_a_command_shows_has_a_json_form() -> None:
    assert to_jsonable({"all": [SHOWN]}) == {
        "all": [
            {
                "when": "2026-01-02T00:00:00+00:00",
                "event_id": "00000000-0000-0000-0000-000000000007",
                "outcome": "completed",
                "parts": [1, 2],
            }
        ]
    }


def test_json_output_is_nothing_but_json(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"name": "Zoë ☃"}, as_json=True, view=lambda: make_table(("a",), [("b",)]))
    assert json.loads(capsys.readouterr().out) == {"name": "Zoë ☃"}


def test_a_table_shows_markup_as_text_and_drops_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [("[red]mug[/red]", "\x1b[2Jbad\u202egood", None)]
    emit(rows, as_json=False, view=make_table(("what", "text", "none>"), rows))
    out = capsys.readouterr().out
    assert "[red]mug[/red]" in out
    assert "[2Jbadgood" in out
    assert "\x1b" not in out


def test_a_message_stays_on_one_line() -> None:
    assert printable("a\nb\tc\x07") == "a b c"


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (Refused("too late"), 1, "too late"),
        (NotFound("order", "A1"), 1, "there is no order 'A1'"),
        (VersionConflict("order-A1", "3", 4), 1, "order-A1"),
        (GatewayRejected("wrong key"), 1, "wrong key"),
        (RPCError("gone", RPCStatusCode.NOT_FOUND, b""), 1, "gone"),
        (NotPossibleNow("order A1 has ended"), 1, "has ended"),
        (TemporalUnavailable("nothing answered"), 3, "nothing answered"),
        (FileNotFoundError(2, "No such file or directory", "x.csv"), 1, "x.csv"),
        (WrongSetting("ORDERSAGA_X: no"), 2, "ORDERSAGA_X"),
        (Unreachable("nobody there"), 3, "nobody there"),
        (SchemaMissing("x"), 3, "ordersaga migrate"),
        (StoreUnavailable("x"), 3, "ORDERSAGA_DATABASE_URL"),
        (asyncpg.UndefinedTableError("x"), 3, "ordersaga migrate"),
        (asyncpg.InvalidPasswordError("x"), 3, "user or password"),
        (asyncpg.InvalidCatalogNameError("x"), 3, "no database of that name"),
        (asyncpg.InsufficientPrivilegeError("denied"), 1, "lacks a right"),
        (asyncpg.AdminShutdownError("x"), 3, "shutting down"),
        (ConnectionRefusedError(111, "refused"), 3, "does not answer"),
        (OSError("Multiple exceptions"), 3, "does not answer"),
        (OutcomeUnknown("no answer"), 3, "no answer"),
        (RPCError("x", RPCStatusCode.UNAVAILABLE, b""), 3, "TEMPORAL_ADDRESS"),
        (RuntimeError("Failed client connect: x"), 3, "TEMPORAL_ADDRESS"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (BrokenPipeError(), 141, ""),
        (ExceptionGroup("several", [Refused("first"), Refused("second")]), 1, "first"),
    ],
)
def test_each_failure_has_one_code_and_one_line(error: BaseException, code: int, says: str) -> None:
    failure = explain(error)
    assert failure.code == code
    assert says in failure.message
    assert "\n" not in failure.message


CODES: list[tuple[BaseException, str]] = [
    (NotFound("order", "A1"), "not_found"),
    (InvalidValue("sku", "must not be empty"), "invalid_document"),
    (OrderConflict("order A1 already exists"), "order_conflict"),
    (NotPossibleNow("order A1 has ended"), "not_possible_now"),
    (Refused("no"), "refused"),
    (WrongSetting("no"), "wrong_usage"),
    (Unreachable("no"), "unreachable"),
    (StoreUnavailable("away"), "store_unavailable"),
    (RPCError("away", RPCStatusCode.UNAVAILABLE, b""), "temporal_unavailable"),
    (OutcomeUnknown("lost"), "provider_unavailable"),
    (ZeroDivisionError(), "internal_error"),
    (KeyboardInterrupt(), "interrupted"),
]


@pytest.mark.parametrize(("error", "code"), CODES, ids=[code for _, code in CODES])
def test_with_json_an_error_is_json_with_its_code(error: BaseException, code: str) -> None:
    failure = explain(error)
    answer = json.loads(error_line(error, failure, as_json=True))["error"]
    assert (answer["code"], answer["message"]) == (code, failure.message)
    assert isinstance(answer["repeat"], bool)
    assert answer["advice"]
    assert error_line(error, failure, as_json=False) == f"error: {failure.message}"


def test_each_rule_names_an_exception() -> None:
    names = [(module, name) for module, name, *_ in (*RULES, *FAULTS)]
    kinds = [getattr(import_module(module), name) for module, name in names]
    assert all(issubclass(kind, BaseException) for kind in kinds)


def test_a_fault_of_our_own_says_so_and_shows_no_values() -> None:
    failure = explain(KeyError("Jane Doe, 1 Main Street"))
    assert failure.code == 70
    assert "KeyError" in failure.message
    assert "Jane" not in failure.message


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (3, 3)])
def test_the_result_of_a_command_is_the_exit_code(result: int | None, code: int) -> None:
    @async_command
    async def command(given: int | None, *, as_json: bool) -> int | None:
        return given if as_json else None

    with pytest.raises(SystemExit) as ended:
        command(result, as_json=True)
    assert ended.value.code == code
