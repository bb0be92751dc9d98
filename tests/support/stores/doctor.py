"""Servers for `doctor`, and what it says of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ordersaga.bootstrap.settings import Settings
from ordersaga.operations.doctor.database import database_checks
from ordersaga.operations.doctor.diagnosis import Diagnosis
from tests.support.stores.postgres import TEST_OPTIONS, programs
from tests.support.stores.postgres_server import PostgresServer, free_port


def settings_of(url: str, **more: object) -> Settings:
    given = {"database_url": url, "encrypt_personal_data": False, **more}
    return Settings.model_validate(given)


async def found(url: str, **more: object) -> dict[str, Diagnosis]:
    return {each.name: each for each in await database_checks(settings_of(url, **more))}


async def only_bad(url: str, name: str, **more: object) -> Diagnosis:
    """The one check that finds something wrong, which is this one."""
    checks = await found(url, **more)
    assert [each.name for each in checks.values() if not each.ok] == [name], checks
    return checks[name]


@contextmanager
def running(folder: Path, *, of: Path | None = None, **options: str) -> Iterator[PostgresServer]:
    """A server of its own, with settings; `of` names the folder of other programs."""
    options = {**TEST_OPTIONS, **options}
    server = PostgresServer(folder / "pgdata", free_port(), options, of or programs())
    server.start()
    try:
        yield server
    finally:
        server.stop()
