"""ordersaga behind pgbouncer: at home in its session mode, refusing its transaction mode."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordersaga.demo.source import SHIPPED_SAMPLE
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.acceptance.cli_shop import CliShop
from tests.support.stack.stack import ordersaga
from tests.support.stores.pgbouncer import PgBouncer, pooled

pytestmark = pytest.mark.system

WRITING = (
    ("migrate",),
    ("order", "create", "A1", "--customer", "C1"),
    ("stock", "receive", "71053", "5", "--reference", "D1"),
    ("import", str(SHIPPED_SAMPLE), "--limit", "5"),
    ("projections", "rebuild", "parcels"),
    ("store", "partition"),
    ("worker", "all"),
    ("starter",),
    ("projections", "run"),
    ("notifications", "run"),
)


@pytest.fixture
def session(postgres_server: EmbeddedPostgres) -> Iterator[PgBouncer]:
    with pooled(postgres_server, "session") as pooler:
        yield pooler


async def test_session_mode_takes_commands_as_it_comes(
    session: PgBouncer, empty_database: str, tmp_path: Path
) -> None:
    shop = await CliShop.opened(session.through(empty_database), tmp_path)
    command = ("import", str(SHIPPED_SAMPLE), "--limit", "20", "--with-stock", "100")
    assert (await shop.json(*command))["orders_new"] == 20
    # Every connection through the pooler breaks; the next command makes new ones.
    session.stop()
    away = await shop.run("order", "list")
    assert (away.code, "does not answer" in away.err) == (3, True)
    session.start()
    assert (await shop.json(*command))["orders_already_there"] == 20
    checks = {each["name"]: each for each in json.loads((await shop.run("doctor", "--json")).out)}
    database = ("database", "writing", "login", "connections", "schema", "feed", "master key")
    assert [name for name in database if not checks[name]["ok"]] == []
    assert await shop.json("projections", "rebuild", "parcels")


async def test_transaction_mode_is_refused_with_the_same_line_everywhere(
    postgres_server: EmbeddedPostgres, empty_database: str, tmp_path: Path
) -> None:
    shop = await CliShop.opened(empty_database, tmp_path)
    head = await shop.head()
    with pooled(postgres_server, "transaction") as pooler:
        env = {**shop.env, "ORDERSAGA_DATABASE_URL": pooler.through(empty_database)}
        checks = json.loads((await ordersaga("doctor", "--json", env=env)).out)
        # One line about the database, and none about what does not work because of it.
        assert [each["name"] for each in checks[:3]] == ["settings", "database", "temporal"]
        doctors = checks[1]
        assert (doctors["ok"], doctors["exit_code"]) == (False, 2)
        for command in WRITING:
            ended = await ordersaga(*command, env=env, cwd=tmp_path)
            assert ended.code == 2, (command, ended.err)
            last = ended.err.splitlines()[-1]
            assert last == f"error: {doctors['finding']}: {doctors['advice']}", command
    assert await shop.head() == head
