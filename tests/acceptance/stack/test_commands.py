"""`doctor`, `migrate` and wrong settings, against a stack and against nothing."""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from ordersaga.embedded.layout import DATABASE, OPERATOR
from ordersaga.embedded.postgres import SUPERUSER
from tests.support.stack.stack import Up, clean_environment, free_ports, ordersaga, run_program
from tests.support.stores.logins import as_only
from tests.support.stores.postgres_server import StackServer, free_port
from tests.support.stores.releases import make_old_chain

CHECKS = [
    "settings",
    "database",
    "encoding",
    "encryption",
    "clock",
    "login",
    "connections",
    "schema",
    "incidents",
    "installation",
    "history",
    "writing",
    "partitions",
    "read models",
    "feed",
    "followers",
    "master key",
    "temporal",
    "namespace",
    "search attributes",
    "payment provider",
    "carrier",
]


async def test_doctor_finds_a_running_stack_well(running_stack: Up) -> None:
    ended = await running_stack.ordersaga("doctor", "--json")
    checks = json.loads(ended.out)
    assert [check for check in checks if not check["ok"]] == []
    assert [check["name"] for check in checks] == CHECKS
    assert ended.code == 0


async def test_no_process_may_take_the_connections_that_are_reserved(running_stack: Up) -> None:
    admin = await asyncpg.connect(running_stack.state().database_url)
    rows = await admin.fetch(
        "SELECT application_name, rolsuper FROM pg_stat_activity JOIN pg_roles"
        " ON pg_roles.oid = usesysid WHERE application_name LIKE 'ordersaga-%'"
    )
    await admin.close()
    assert {row["application_name"].split()[0] for row in rows} >= {
        "ordersaga-projections",
        "ordersaga-starter",
    }
    assert not any(row["rolsuper"] for row in rows)


async def test_doctor_says_what_to_do_when_nothing_runs(tmp_path: Path) -> None:
    database, temporal = free_ports(2)
    env = clean_environment(
        ORDERSAGA_DATABASE_URL=f"postgresql://shop:hunter2@127.0.0.1:{database}/orders",
        ORDERSAGA_PAYMENT_URL=f"http://127.0.0.1:{database}",
        ORDERSAGA_CARRIER_URL=f"http://127.0.0.1:{database}",
        ORDERSAGA_DATA_DIR=str(tmp_path),
        TEMPORAL_ADDRESS=f"127.0.0.1:{temporal}",
    )
    ended = await ordersaga("doctor", env=env)
    assert ended.code == 3
    lines = ended.out.splitlines()
    assert [line[:3] for line in lines] == ["ok ", "BAD", "BAD", "BAD", "BAD"]
    assert "ordersaga up" in ended.out
    assert "hunter2" not in ended.out + ended.err


async def test_doctor_names_a_wrong_setting() -> None:
    ended = await ordersaga("doctor", env=clean_environment(ORDERSAGA_LOG_LEVEL="loud"))
    assert ended.code == 2
    assert "ORDERSAGA_LOG_LEVEL" in ended.out


async def test_doctor_finds_a_database_without_schema(running_stack: Up) -> None:
    env = {**running_stack.env, **running_stack.state().settings_env()}
    url = env["ORDERSAGA_DATABASE_URL"].removesuffix("ordersaga") + "postgres"
    env["ORDERSAGA_DATABASE_URL"] = url
    checks = await ordersaga("doctor", "--json", env=env)
    assert checks.code == 3
    assert "run `ordersaga migrate`" in checks.out


async def test_four_migrations_at_once_make_the_schema_once(empty_database: str) -> None:
    env = clean_environment(ORDERSAGA_DATABASE_URL=empty_database)
    ended = await asyncio.gather(*(ordersaga("migrate", "--json", env=env) for _ in range(4)))
    applied = [name for one in ended for name in one.json()["applied"]]
    assert applied
    assert len(applied) == len(set(applied))
    again = await ordersaga("migrate", env=env)
    assert again.code == 0
    assert "up to date" in again.out


@pytest.mark.parametrize(
    "command",
    [("worker", "all"), ("starter",), ("projections", "run"), ("migrate",), ("up",)],
)
async def test_a_wrong_setting_stops_every_process_with_one_line(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    env = clean_environment(ORDERSAGA_GATEWAY_TIMEOUT_S="soon", ORDERSAGA_DATA_DIR=str(tmp_path))
    ended = await ordersaga(*command, env=env)
    assert ended.code == 2
    assert ended.err.startswith("error: ORDERSAGA_GATEWAY_TIMEOUT_S: ")
    assert ended.err.count("\n") == 1


async def test_a_database_that_is_down_is_named_without_its_password() -> None:
    port = free_ports(1)[0]
    url = f"postgresql://shop:hunter2@127.0.0.1:{port}/orders"
    ended = await ordersaga("migrate", env=clean_environment(ORDERSAGA_DATABASE_URL=url))
    assert ended.code == 3
    assert f"127.0.0.1:{port}" in ended.err
    assert "hunter2" not in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("command", [("migrate",), ("doctor",)])
async def test_a_database_of_before_the_first_release_is_refused_with_what_to_do(
    empty_database: str, command: tuple[str, ...]
) -> None:
    await make_old_chain(empty_database)
    ended = await ordersaga(*command, env=clean_environment(ORDERSAGA_DATABASE_URL=empty_database))
    (line,) = [line for line in (ended.out + ended.err).splitlines() if "0.1.0" in line]
    assert "use a new one" in line
    if command != ("doctor",):
        assert ended.code == 1
        assert ended.err.count("\n") == 1


async def test_a_login_is_told_what_it_may_not_do(empty_database: str) -> None:
    owner = clean_environment(ORDERSAGA_DATABASE_URL=empty_database)
    unknown = await ordersaga("migrate", "--grant", "reader=nobody-here", env=owner)
    assert unknown.code == 1
    assert unknown.err == "error: there is no database login nobody-here: make it first\n"
    admin = await asyncpg.connect(empty_database)
    with suppress(asyncpg.DuplicateObjectError):
        await admin.execute("CREATE ROLE frugal LOGIN")
    await admin.close()
    grants = ("--grant", "appender=frugal", "--grant", "reader=frugal")
    assert (await ordersaga("migrate", *grants, env=owner)).code == 0
    env = clean_environment(
        ORDERSAGA_DATABASE_URL=empty_database.replace(f"//{SUPERUSER}@", "//frugal@"),
        ORDERSAGA_ENCRYPT_PERSONAL_DATA="false",
    )
    assert (await ordersaga("projections", "status", env=env)).code == 0
    for command in ("store partition", "projections rebuild current_orders"):
        ended = await ordersaga(*command.split(), env=env)
        assert ended.code == 1, command
        assert "login lacks a right (permission denied" in ended.err
        assert ended.err.count("\n") == 1


async def test_a_projector_rebuilds_a_read_model(empty_database: str) -> None:
    owner = clean_environment(
        ORDERSAGA_DATABASE_URL=empty_database, ORDERSAGA_ENCRYPT_PERSONAL_DATA="false"
    )
    assert (await ordersaga("migrate", env=owner)).code == 0
    env = clean_environment(
        ORDERSAGA_DATABASE_URL=await as_only(empty_database, "projector"),
        ORDERSAGA_ENCRYPT_PERSONAL_DATA="false",
    )
    assert (await ordersaga("projections", "rebuild", "current_orders", env=env)).code == 0
    # What it made belongs to the role and not to the login: the owner can rebuild it as well.
    assert (await ordersaga("projections", "rebuild", "current_orders", env=owner)).code == 0


@pytest.mark.parametrize("word", ["reader", "reader=", "king=me", "=me"])
async def test_a_grant_of_another_form_is_wrong_usage(word: str) -> None:
    ended = await ordersaga("migrate", "--grant", word, env=clean_environment())
    assert ended.code == 2
    assert f"--grant {word}: must be ROLE=LOGIN" in ended.err


async def test_a_data_folder_of_before_the_first_release_is_refused_with_what_to_do(
    tmp_path: Path,
) -> None:
    server = StackServer(tmp_path / "pgdata", free_port())
    server.start()
    admin = await asyncpg.connect(server.url())
    await admin.execute(f"CREATE ROLE {OPERATOR} LOGIN CREATEROLE")
    await admin.execute(f"CREATE DATABASE {DATABASE} OWNER {OPERATOR}")
    await admin.close()
    await make_old_chain(server.url(DATABASE, OPERATOR))
    server.stop()
    ended = await ordersaga("up", "--data-dir", str(tmp_path), env=clean_environment())
    assert ended.code == 1
    assert "before 0.1.0" in ended.err.splitlines()[-1]
    assert "remove its data folder" in ended.err.splitlines()[-1]


@pytest.mark.parametrize(
    "command", [("worker", "kitchen"), ("worker",), ("nonsense",), ("up", "--ui-port", "0")]
)
async def test_wrong_usage_ends_with_two(command: tuple[str, ...]) -> None:
    ended = await ordersaga(*command, env=clean_environment())
    assert ended.code == 2
    assert ended.err
    assert not ended.out


async def test_an_unknown_read_model_is_wrong_usage(running_stack: Up) -> None:
    ended = await running_stack.ordersaga("projections", "run", "horoscopes")
    assert ended.code == 2
    assert "horoscopes" in ended.err


async def test_help_loads_no_temporal_client() -> None:
    command = (sys.executable, "-P", "-X", "importtime", "-m", "ordersaga", "--help")
    ended = await run_program(*command, env=clean_environment())
    assert ended.code == 0
    assert "ordersaga.cli.main" in ended.err
    assert "temporalio" not in ended.err
