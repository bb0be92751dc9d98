"""How many connections a deployment may open, against those that the server has for it.

A process opens at most its pool, and those that follow the events one more, on which they listen.
Processes tell the server who they are, so each of them can be counted.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import asyncpg

from eventstore.postgres.sql_files import statement
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.wiring import PROGRAM
from ordersaga.errors import REFUSED
from ordersaga.operations.doctor.diagnosis import Diagnosis, bad
from ordersaga.operations.doctor.server import Facts

_SESSIONS: Final = statement("sessions", "ordersaga.operations.doctor.sql")

LISTENING: Final[Mapping[str, int]] = {
    "worker": 0,
    "projections": 1,
    "starter": 1,
    "notifications": 0,
    "api": 0,
}
"""Connections beside the pool, by kind of process; each deployment has all kinds."""


def wanted(processes: Iterable[str], pool_size: int) -> int:
    """The most connections that processes of these kinds open, and one command of an operator."""
    command = pool_size + 1
    return command + sum(pool_size + LISTENING[kind] for kind in processes)


def available(facts: Facts, others: int) -> int:
    """The connections that the server has for a login without special rights."""
    of_server = facts.most_connections - facts.reserved - others
    limits = (facts.most_of_login, facts.most_of_database)
    return max(min([of_server, *(limit for limit in limits if limit >= 0)]), 0)


async def connections(pool: asyncpg.Pool, facts: Facts, settings: Settings) -> Diagnosis:
    """Whether all processes can open what they may; if not, one of them stands still one day."""
    sessions = {row["program"]: row["connections"] for row in await pool.fetch(_SESSIONS)}
    ours = {program for program in sessions if program.startswith(PROGRAM)}
    others = sum(count for program, count in sessions.items() if program not in ours)
    running = [kind for program in ours if (kind := _kind(program)) is not None]
    least = [kind for kind in LISTENING if kind not in running]
    most = wanted([*running, *least], settings.database_pool_size)
    there = available(facts, others)
    finding = f"{len(running) + len(least)} processes and a command may open {most}"
    finding = f"{finding}, the server has {there} for them"
    if most > there:
        advice = "raise max_connections, or lower ORDERSAGA_DATABASE_POOL_SIZE"
        return bad("connections", finding, advice, REFUSED)
    return Diagnosis("connections", True, finding)


def _kind(program: str) -> str | None:
    """The kind of a process, by the name that it gave itself."""
    name = program.removeprefix(PROGRAM)
    return next((kind for kind in LISTENING if name.startswith(kind)), None)
