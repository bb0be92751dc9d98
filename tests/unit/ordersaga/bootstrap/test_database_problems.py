"""What people read when the database or its driver refuses: for every state there is."""

import ssl
from asyncio import CancelledError
from socket import gaierror
from typing import Any

import asyncpg
import pytest

from eventstore.errors import StoreUnavailable
from ordersaga.bootstrap.database_problems import problem_of
from ordersaga.cli.failures import explain

ALL_STATES = {
    kind.sqlstate: kind
    for kind in vars(asyncpg.exceptions).values()
    if isinstance(kind, type)
    and issubclass(kind, asyncpg.PostgresError)
    and isinstance(kind.sqlstate, str)
}
CALLERS_FAULT = {"22", "23", "54"}


def answered(state: str, message: str = "") -> Any:
    """An error as the driver makes it from the server's answer."""
    return asyncpg.PostgresError.new({"C": state, "M": message, "S": "ERROR"})


def caused_by(cause: BaseException) -> StoreUnavailable:
    error = StoreUnavailable("the store is away")
    error.__cause__ = cause
    return error


def timed_out() -> TimeoutError:
    """As `asyncio.timeout` raises it."""
    error = TimeoutError()
    error.__cause__ = CancelledError()
    return error


@pytest.mark.parametrize("state", [*sorted(ALL_STATES), "ZZ999", "53999"])
def test_every_state_is_a_line_for_people(state: str) -> None:
    for error in (answered(state, "a\nmessage"), caused_by(answered(state, "a\nmessage"))):
        failure = explain(error)
        assert failure.message.startswith("the database "), state
        assert "internal error" not in failure.message
        assert "\n" not in failure.message
        # A server that answered is never called one that does not.
        assert "does not answer" not in failure.message
        assert (failure.code == 1) == (state[:2] in CALLERS_FAULT or state == "42501"), state
        assert failure.code in (1, 2, 3)


@pytest.mark.parametrize("state", sorted(ALL_STATES))
def test_messages_that_may_quote_stored_values_are_not_shown(state: str) -> None:
    shown = "Jane Doe" in explain(answered(state, "Key (name)=(Jane Doe)")).message
    assert not shown or state[:2] in {"08", "28", "3D", "42", "53", "55", "57"}, state


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (answered("53300", "sorry, too many clients already"), 3, "has no connection left (sorry"),
        (answered("57P03", "the database system is starting up"), 3, "starting up): wait"),
        (answered("57P01"), 3, "shutting down"),
        (answered("28P01", "password authentication failed"), 3, "refused the user or password"),
        (answered("28000", "role is not permitted to log in"), 3, "permitted to log in): check"),
        (answered("3D000"), 3, "no database of that name"),
        (answered("25006"), 3, "is read-only"),
        (answered("53100"), 3, "no disk space left"),
        (answered("57014"), 3, "did not answer in time"),
        (answered("42P05"), 2, "pooler in transaction mode"),
        (answered("08P01", "unsupported startup parameter"), 3, "a pooler before it refused"),
        (asyncpg.exceptions.ClientConfigurationError("no such mode"), 2, "_URL: no such mode"),
        (asyncpg.exceptions.TargetServerAttributeNotMatched("x"), 3, "target_session_attrs"),
        (asyncpg.InterfaceError("closed"), 3, "ended the connection"),
        (asyncpg.InternalClientError("cut off"), 3, "ended the connection"),
    ],
)
def test_what_the_driver_raises_is_told_truly(error: Exception, code: int, says: str) -> None:
    failure = explain(error)
    assert (failure.code, says in failure.message) == (code, True), failure.message


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ConnectionRefusedError(111, "refused"), "does not answer"),
        (TimeoutError(), "in time"),
        (timed_out(), "in time"),
        (gaierror(-2, "Name or service not known"), "cannot be resolved"),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), "by TLS"),
        (ConnectionError("the server rejected SSL upgrade"), "offers none"),
        (ConnectionError("unexpected connection_lost() call"), "does not answer"),
    ],
)
def test_a_connection_that_failed_is_told_truly(error: Exception, says: str) -> None:
    assert says in problem_of(caused_by(error)).sentence()
