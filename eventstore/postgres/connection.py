"""A connection to PostgreSQL on which every wait has a limit, and the one way to make it."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, Final
from weakref import WeakSet, ref

import asyncpg

from eventstore.deadline import STATEMENT_S, NoTimeLeft, time_limit
from eventstore.postgres.hosts import urls_of_hosts
from eventstore.postgres.transaction import IsolationLevel, PlainTransaction
from eventstore.tasks import CLOSE_S

MAINTENANCE_S: Final = 6 * 3600.0
"""How long a statement may take that moves, compares or rewrites whole tables."""

SURVEY_S: Final = 30.0
"""How long a statement may take that people wait for, and that grows with the size of a table."""

_LOCK_SHARE: Final = 0.5
"""A lock is waited for this share of the statement's limit, so that the server says what it was."""

_MAINTENANCE_LOCK_S: Final = 60.0
"""How long maintenance waits for a lock."""

_SERVER_GRACE_S: Final = 1.0
"""The server ends a statement this much after the client gave it up."""

# The server answered, but this session cannot do what others can: read-only transactions (after a
# fail-over, the old primary), and all kinds of shutting down.
_USELESS_SESSION: Final = frozenset({"25006", "57P01", "57P02", "57P03", "57P04", "57P05"})

_SILENT_AFTER_S: Final = (10, 3, 3)
"""Keepalive: first probe after so many idle seconds, then every so many, at most so many."""

_UNANSWERED_MS: Final = 15_000
"""Sent data that nobody acknowledged for so long ends a connection."""

_FIRST_WITH_TRANSACTION_TIMEOUT: Final = 17

_NEVER: Final = float("inf")

_longest: Final[ContextVar[float]] = ContextVar("longest statement", default=0.0)


def maintenance() -> AbstractContextManager[None]:
    """Let each statement inside take `MAINTENANCE_S`: it is about whole tables."""
    return _at_least(MAINTENANCE_S)


def survey() -> AbstractContextManager[None]:
    """Let each statement inside take `SURVEY_S`: it counts, or looks for what no index finds."""
    return _at_least(SURVEY_S)


@contextlib.contextmanager
def _at_least(limit_s: float) -> Iterator[None]:
    token = _longest.set(max(limit_s, _longest.get()))
    try:
        yield
    finally:
        _longest.reset(token)


def _limited(call: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """A method of the driver's connection, with a limit on its time."""

    async def limited(
        self: "LimitedConnection",
        *arguments: Any,
        timeout: float | None = None,  # noqa: ASYNC109  the driver's interface
        **more: Any,
    ) -> Any:
        limit_s, outer = self.limit_s(timeout), self.ends_at
        self.ends_at = self.now() + limit_s
        self.arm()
        try:
            if limit_s > self.allowed_s:
                await self.allow(limit_s)
            answer = await call(self, *arguments, **more)
        except Exception as error:
            if self.ran_out:
                # The driver's error tells only that the connection was closed.
                raise TimeoutError(f"no answer within {limit_s:.1f} s") from None
            if _ends_session(error):
                self.terminate()
            raise
        except BaseException:
            self.terminate()  # a cancelled caller: the statement may be under way
            raise
        else:
            self.answered_at = self.now()
            return answer
        finally:
            self.ends_at = outer

    return limited


class LimitedConnection(asyncpg.Connection):
    """A connection whose calls end in time, one way or the other.

    A call that runs into its limit, or is cancelled, ends the connection at once: the driver would
    ask the server to cancel, over a second connection, and wait for that without a limit.

    It is not reset when it goes back to a pool: the store keeps no session state, and the reset
    query would cost a third of the throughput.

    Attributes:
        session: identifies the session with the server.
        statement_s: the limit of a call, unless less is left of the deadline.
        allowed_s: the longest statement that the server was told to allow.
        ends_at: when the present call must have ended, on the clock of the event loop.
        ran_out: whether a call ran into its limit, which ended the connection.
        answered_at: when the server last answered, on the same clock.
        peers: the connections of the same pool; see `end_silent_peers`.
        timer: looks at `ends_at`; it outlives the call, as one timer a call would cost more.
    """

    def __init__(self, protocol: Any, transport: Any, *arguments: Any, **more: Any) -> None:
        super().__init__(protocol, transport, *arguments, **more)
        self.session = object()
        self.statement_s = STATEMENT_S
        self.allowed_s = _NEVER  # nothing was told to the server yet
        self.ends_at = _NEVER
        self.ran_out = False
        self.timer: asyncio.TimerHandle | None = None
        self.loop = asyncio.get_running_loop()
        self.now = self.loop.time
        self.answered_at = self.now()
        self.peers: WeakSet[LimitedConnection] = WeakSet()
        _notice_silence(transport.get_extra_info("socket"))

    def get_reset_query(self) -> str:
        """Nothing to reset."""
        return ""

    execute = _limited(asyncpg.Connection.execute)
    fetch = _limited(asyncpg.Connection.fetch)
    fetchrow = _limited(asyncpg.Connection.fetchrow)
    fetchval = _limited(asyncpg.Connection.fetchval)

    def transaction(
        self,
        *,
        isolation: IsolationLevel | None = None,
        readonly: bool = False,
        deferrable: bool = False,
    ) -> PlainTransaction:
        """As the driver's, but its end does not hide why it failed."""
        self._check_open()  # type: ignore[attr-defined]  # the stubs leave it out
        return PlainTransaction(self, isolation, readonly, deferrable)

    def limit_s(self, timeout: float | None = None) -> float:
        """The seconds that a call may take that begins now.

        Raises:
            NoTimeLeft: the deadline has passed. A transaction is given up with its connection.
        """
        try:
            return time_limit(timeout or max(_longest.get(), self.statement_s))
        except NoTimeLeft:
            if not self.is_closed() and self.is_in_transaction():
                self.terminate()
            raise

    def arm(self) -> None:
        """See to it that somebody looks when the present call must have ended."""
        timer, ends_at = self.timer, self.ends_at
        if timer is not None and timer.when() > ends_at:
            timer.cancel()
            timer = None
        if timer is None and ends_at < _NEVER:
            self.timer = self.loop.call_at(ends_at, _look_at_end, ref(self))

    def end_silent_peers(self, since: float) -> None:
        """End the idle connections of the pool that have not answered since then.

        Connections mostly fall silent together: when a server was replaced, or a firewall forgot
        them. Each would cost its next caller the whole limit to find out.
        """
        for peer in tuple(self.peers):
            is_idle = peer.ends_at == _NEVER and not peer.is_closed()
            if is_idle and peer.answered_at <= since and not peer.is_in_transaction():
                peer.terminate()

    async def allow(self, longest_s: float) -> None:
        """Tell the server that statements and locks may take longer in this session."""
        if not self.is_in_transaction():  # a rollback would undo it
            self.allowed_s = longest_s
        lock_s = min(longest_s, _MAINTENANCE_LOCK_S)
        if longest_s <= SURVEY_S:
            lock_s = _LOCK_SHARE * self.statement_s  # the session may append afterwards
        await super().execute(_settings(_time_limits(longest_s, lock_s)))

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  the driver's interface
        """Say goodbye to the server, or cut the connection if that takes long."""
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await super().close(timeout=CLOSE_S if timeout is None else min(timeout, CLOSE_S))


def _look_at_end(reference: "ref[LimitedConnection]") -> None:
    """End a connection whose call is over its limit, or look again when the present one ends."""
    connection = reference()
    if connection is None:
        return
    connection.timer = None
    if connection.ends_at > connection.now():
        connection.arm()
    else:
        connection.ran_out = True
        connection.terminate()
        connection.end_silent_peers(connection.ends_at - connection.statement_s)


def _ends_session(error: Exception) -> bool:
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate in _USELESS_SESSION
    # An argument that the driver refused leaves the connection as it was. All else may leave a
    # statement under way.
    return not isinstance(error, asyncpg.InterfaceError)


async def connect(
    dsn: str,
    *,
    statement_s: float = STATEMENT_S,
    application_name: str = "ordersaga",
    **driver: Any,
) -> LimitedConnection:
    """A connection with the session's settings, which no setting of the server can change.

    If the URL names several hosts, they are tried in their order. Each gets an equal share of the
    time that is left, so that one that says nothing does not keep us from the next.

    Args:
        dsn: the database's URL.
        statement_s: the limit of a statement, in seconds; a lock is waited for half of it.
        application_name: shown by the server.
        driver: further arguments of the driver.

    Raises:
        TimeoutError: there was no answer in time.
        OSError: the server cannot be reached.
        asyncpg.PostgresError: the server refused.
    """
    options: dict[str, Any] = {
        "connection_class": LimitedConnection,
        # The only startup parameter, as poolers refuse those that they do not know.
        "server_settings": {"application_name": application_name},
        "timeout": None,
    }
    end = time.monotonic() + time_limit(statement_s)
    *others, last = urls_of_hosts(dsn)
    for place, url in enumerate(others):
        share_s = (end - time.monotonic()) / (len(others) + 1 - place)
        with contextlib.suppress(*_ANOTHER_HOST_MAY_DO):
            return await _connect(url, share_s, statement_s, options | driver)
    return await _connect(last, end - time.monotonic(), statement_s, options | driver)


# As in libpq, a host that refuses a login ends the search, because the next one would, too.
_ANOTHER_HOST_MAY_DO: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TargetServerAttributeNotMatched,
)


async def _connect(
    dsn: str, limit_s: float, statement_s: float, options: dict[str, Any]
) -> LimitedConnection:
    async with asyncio.timeout(limit_s):
        connection: LimitedConnection = await asyncpg.connect(dsn, **options)
        connection.statement_s = statement_s
        try:
            settings = _settings(_session(connection, statement_s))
            await connection.execute(f"{settings}; {_CHECK_CLIENT}")
        except BaseException:
            connection.terminate()
            raise
    connection.allowed_s = statement_s
    return connection


_SESSION: Final = {
    "default_transaction_isolation": "read committed",
    "jit": "off",  # our statements are short, compiling them costs more than it saves
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "60s",
    # The server's side of the same: a session whose client is gone keeps no lock.
    "tcp_keepalives_idle": str(_SILENT_AFTER_S[0]),
    "tcp_keepalives_interval": str(_SILENT_AFTER_S[1]),
    "tcp_keepalives_count": str(_SILENT_AFTER_S[2]),
    "tcp_user_timeout": str(_UNANSWERED_MS),
}


def _session(connection: LimitedConnection, statement_s: float) -> dict[str, str]:
    settings = _SESSION | _time_limits(statement_s, _LOCK_SHARE * statement_s)
    if connection.get_server_version().major >= _FIRST_WITH_TRANSACTION_TIMEOUT:
        settings["transaction_timeout"] = "0"
    return settings


def _time_limits(statement_s: float, lock_s: float) -> dict[str, str]:
    return {
        "statement_timeout": f"{round(1000 * (statement_s + _SERVER_GRACE_S))}",
        "lock_timeout": f"{round(1000 * lock_s)}",
    }


def _settings(values: dict[str, str]) -> str:
    """One statement that changes the session's settings; a pooler in session mode takes it too."""
    calls = [f"set_config('{name}', '{value}', false)" for name, value in values.items()]
    return f"SELECT {', '.join(calls)}"


# A backend that waits for a lock notices that its client is gone; only some systems can tell.
_CHECK_CLIENT: Final = """
SELECT set_config('client_connection_check_interval', '2s', false) WHERE version() LIKE '%linux%'
"""


def _notice_silence(sock: Any) -> None:
    """Let the kernel end a connection whose other side is gone without a word."""
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    values = (*_SILENT_AFTER_S, _UNANSWERED_MS)
    names = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
    for name, value in zip(names, values, strict=True):
        if hasattr(socket, name):  # not every system has them all
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
