"""The backup job: what it writes can be restored on another server, and old ones go."""

import os
import subprocess
from pathlib import Path

import asyncpg
import pytest

from ordersaga.bootstrap.schema import migrate_all, pending_migrations
from ordersaga.embedded.postgres import HOST, SUPERUSER, EmbeddedPostgres, binaries
from tests.support.repository.source_tree import ROOT
from tests.support.stores.doctor import running
from tests.support.stores.event_store import new_stream, opened_store
from tests.support.stores.postgres import fresh_database
from tests.support.stores.postgres_server import PostgresServer

SCRIPT = ROOT / "deploy" / "postgres" / "backup.sh"
PATH = f"{binaries()}:{os.environ['PATH']}"


def run(*command: str, server: EmbeddedPostgres, user: str, **env: str) -> int:
    place = {"PGHOST": HOST, "PGPORT": str(server.port), "PGUSER": user, "PATH": PATH}
    done = subprocess.run(command, env={**place, **env}, check=False, capture_output=True)
    return done.returncode


def backup(server: EmbeddedPostgres, folder: Path, what: str, **env: str) -> int:
    given = {"PGDATABASE": "shop", "BACKUP_DIR": str(folder), **env}
    return run(str(SCRIPT), what, server=server, user="backup", **given)


@pytest.fixture
async def shop(postgres_server: EmbeddedPostgres) -> str:
    """A shop's database with an event, and a login that may read everything."""
    admin = await asyncpg.connect(postgres_server.url())
    await admin.execute("DROP DATABASE IF EXISTS shop WITH (FORCE)")
    await admin.execute("CREATE DATABASE shop")
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = 'backup'"):
        await admin.execute("CREATE ROLE backup LOGIN IN ROLE pg_read_all_data")
    await admin.close()
    url = postgres_server.url("shop")
    await migrate_all(url)
    async with opened_store(url) as store:
        await store.append(new_stream("cart-1", 3))
    return url


async def test_a_backup_is_restored_on_another_server(
    shop: str, postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    assert backup(postgres_server, folder, "once") == 0
    (dump,) = folder.glob("shop-*.dump")
    (roles,) = folder.glob("shop-*.roles.sql")
    assert "PASSWORD" not in roles.read_text()
    assert {oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {"0o600"}
    with running(tmp_path / "other") as other:
        run("psql", "-Xq", "-d", "postgres", "-f", str(roles), server=other, user=SUPERUSER)
        assert run("createdb", "shop", server=other, user=SUPERUSER) == 0
        restoring = ("pg_restore", "--exit-on-error", "--dbname=shop", str(dump))
        assert run(*restoring, server=other, user=SUPERUSER) == 0
        await is_complete(other)


async def is_complete(server: PostgresServer) -> None:
    url = server.url("shop")
    assert await pending_migrations(url) == []
    assert await migrate_all(url) == []
    async with opened_store(url) as store:
        assert len(await store.read_stream("cart-1")) == 3
        await store.append(new_stream("cart-2", 1))
        assert (await store.read_stream("cart-2"))[0].position == 4


async def test_only_the_latest_backups_are_kept(
    shop: str, postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    assert backup(postgres_server, tmp_path, "check") != 0, "there is none yet"
    for day in ("20250101", "20250102", "20250103"):
        for kind in ("dump", "roles.sql"):
            (tmp_path / f"shop-{day}T000000Z.{kind}").touch()
    assert backup(postgres_server, tmp_path, "once", BACKUP_KEEP="2") == 0
    names = sorted(dumps(tmp_path))
    assert len(names) == 2
    assert names[0] == "shop-20250103T000000Z.dump"
    assert not (tmp_path / "shop-20250102T000000Z.roles.sql").exists()
    assert backup(postgres_server, tmp_path, "check") == 0


async def test_a_backup_that_fails_leaves_none_behind_and_removes_none(
    postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with fresh_database(postgres_server):
        (tmp_path / "shop-20250101T000000Z.dump").touch()
        there = {"PGDATABASE": "not-there", "BACKUP_KEEP": "0"}
        assert backup(postgres_server, tmp_path, "once", **there) != 0
        assert dumps(tmp_path) == ["shop-20250101T000000Z.dump"]


def dumps(folder: Path) -> list[str]:
    return [file.name for file in folder.glob("*.dump")]


@pytest.mark.parametrize("word", ["", "sometimes"])
def test_another_word_is_wrong_usage(word: str) -> None:
    assert subprocess.run([str(SCRIPT), word], check=False, capture_output=True).returncode == 2
