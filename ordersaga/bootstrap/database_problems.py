"""What a failure of the database or its driver means for people, in one line without secrets.

By SQLSTATE, never by the text of a message. The server's message is shown only for states whose
messages name settings, logins and objects, and never stored values. The driver is not imported
here: quick refusals of the command line stay quick.
"""

import ssl
from collections.abc import Iterator
from socket import gaierror
from typing import Any, Final, NamedTuple

from ordersaga.errors import (
    REFUSED,
    UNREACHABLE,
    WRONG_USAGE,
    OrderSagaError,
    Refused,
    Unreachable,
    WrongSetting,
)

_URL: Final = "ORDERSAGA_DATABASE_URL"
_CHECK_URL: Final = f"check {_URL} or run `ordersaga up`"
_ERRORS: Final = {REFUSED: Refused, WRONG_USAGE: WrongSetting, UNREACHABLE: Unreachable}


class Problem(NamedTuple):
    """What is wrong.

    Attributes:
        finding: what the database does, as the rest of a sentence about it.
        advice: what to do.
        exit_code: of a command that ends with it.
        shows_message: whether the server's own words are added.
    """

    finding: str
    advice: str
    exit_code: int = UNREACHABLE
    shows_message: bool = False

    def sentence(self, subject: str = "the database") -> str:
        """The line that people read."""
        return f"{subject} {self.finding}: {self.advice}"

    def error(self, subject: str) -> OrderSagaError:
        """The error that ends a program with this line."""
        return _ERRORS[self.exit_code](self.sentence(subject))


SILENT: Final = Problem("does not answer", _CHECK_URL)
_TOO_SLOW: Final = Problem(
    "did not answer in time", "is it overloaded, is a table locked, is the network silent?"
)
_NO_SCHEMA: Final = Problem("has no schema or an outdated one", "run `ordersaga migrate`")
_BROKEN: Final = Problem("ended the connection", "try again")
TRANSACTION_POOLER: Final = Problem(
    "is behind a pooler in transaction mode, which loses locks, settings and prepared statements",
    f"use its session mode, or name the server itself in {_URL}",
    WRONG_USAGE,
)
_STRANGE: Final = Problem("refused a statement", "is this its version of ordersaga? see its log")

_BY_STATE: Final = {
    "08": _BROKEN,
    "08P01": Problem("or a pooler before it refused the connection", _CHECK_URL, 3, True),
    "22": Problem("cannot take this value", "correct the input", REFUSED),
    "23": Problem("cannot take this value", "correct the input", REFUSED),
    "54": Problem("cannot take a value of this size", "use a smaller one", REFUSED),
    "25006": Problem(
        "is read-only (a standby, or set so)", "name the server that takes writes, or make it one"
    ),
    "26000": TRANSACTION_POOLER,
    "42P05": TRANSACTION_POOLER,
    "28": Problem("refuses this login", f"check {_URL}, the role and pg_hba.conf", 3, True),
    "28P01": Problem("refused the user or password", f"check {_URL}"),
    "3D000": Problem("has no database of that name", f"check {_URL}", 3, True),
    "3F000": _NO_SCHEMA,
    "42P01": _NO_SCHEMA,
    "42703": _NO_SCHEMA,
    "42883": _NO_SCHEMA,
    "42501": Problem(
        "says that the login lacks a right",
        "programs get theirs by `ordersaga migrate --grant ROLE=LOGIN`, "
        "all else is for the login that migrates; see `ordersaga doctor`",
        REFUSED,
        True,
    ),
    "40": Problem("gave way to another transaction", "try again"),
    "53": Problem("lacks memory or another resource", "free some, or raise its limit", 3, True),
    "53100": Problem("has no disk space left", "free some; nothing is lost meanwhile"),
    "53300": Problem(
        "has no connection left",
        "raise max_connections, or lower ORDERSAGA_DATABASE_POOL_SIZE of the processes",
        3,
        True,
    ),
    "55000": Problem("is not ready for this", "try again", 3, True),
    "55P03": Problem("has a table or row that another session locks", "try again"),
    "57014": _TOO_SLOW,
    "57P01": Problem("is shutting down or ended the connection", "try again"),
    "57P02": Problem("is shutting down after a crash", "try again"),
    "57P03": Problem("is starting, shutting down or recovering", "wait, and try again", 3, True),
    "57P04": Problem("was dropped", f"check {_URL}"),
    "57": _BROKEN,
    "58": Problem("reports a fault of its own", "see its log"),
    "F0": Problem("reports a fault of its configuration", "see its log"),
    "XX": Problem("reports a fault of its own", "see its log"),
}
"""By SQLSTATE or its class, the first two characters."""


def problem_of(error: BaseException) -> Problem:
    """What an error of a connection to the database means, by the error or what caused it."""
    causes = list(_causes(error))
    for cause in causes:
        if (state := getattr(cause, "sqlstate", None)) is not None:
            return _from_state(state, cause)
    return _from_connection(causes[-1])


def is_of_the_driver(error: BaseException) -> bool:
    """Whether an error comes from the database's driver."""
    return bool(_driver_names(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while isinstance(error, Exception):  # a time-out is caused by a cancellation
        yield error
        error = error.__cause__


def _from_state(state: str, error: Any) -> Problem:
    problem = _BY_STATE.get(state) or _BY_STATE.get(state[:2]) or _STRANGE
    if problem is _STRANGE:
        return problem._replace(finding=f"{problem.finding} (SQLSTATE {state})")
    message = " ".join((getattr(error, "message", None) or "").split())
    if problem.shows_message and message:
        return problem._replace(finding=f"{problem.finding} ({message})")
    return problem


def _from_connection(error: BaseException) -> Problem:
    """For errors without a SQLSTATE: nobody answered, or the client refused."""
    names = _driver_names(error)
    if "ClientConfigurationError" in names:
        return Problem("cannot be reached", f"{_URL}: {error}", WRONG_USAGE)
    if "TargetServerAttributeNotMatched" in names:
        return Problem("has no host of the wanted target_session_attrs", f"check {_URL}")
    if isinstance(error, ssl.SSLError):
        return _tls(
            getattr(error, "verify_message", "") or getattr(error, "reason", "") or "it failed"
        )
    # The driver raises both as a plain ConnectionError: only the text tells them apart.
    if type(error) is ConnectionError and ("SSL upgrade" in str(error) or "TLS" in str(error)):
        return _tls("it offers none")
    if isinstance(error, gaierror):
        return Problem("has a host name that cannot be resolved", f"check {_URL}")
    if isinstance(error, FileNotFoundError | PermissionError):
        what = f"has a TLS file or a socket that cannot be opened ({error.strerror})"
        return Problem(what, f"check {_URL}")
    if isinstance(error, TimeoutError):
        return _TOO_SLOW
    return _BROKEN if names else SILENT


def _tls(reason: str) -> Problem:
    advice = f"check sslmode and sslrootcert in {_URL}"
    return Problem(f"could not be reached by TLS ({reason})", advice)


def _driver_names(error: BaseException) -> set[str]:
    classes = type(error).__mro__
    return {each.__name__ for each in classes if each.__module__.partition(".")[0] == "asyncpg"}
