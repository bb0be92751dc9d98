"""`ordersaga notifications`: sender processes, killed at the worst moment, and the commands."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from eventstore.postgres.store import PostgresEventStore
from ordersaga.bootstrap.schema import migrate_all
from projections.outbox import outbox
from projections.outbox import rules as notifications
from tests.support.stack.stack import Ended, clean_environment, ordersaga, until
from tests.support.stores.read_models import Order, append_events, runner_of
from tests.support.stores.webhooks import SECRET, Receiver

SUBMITTED = "ordersaga.order.submitted"
COMPLETED = "ordersaga.order.completed"
# A lease is three seconds longer than the receiver may take.
TIMEOUT_S = "1"


@pytest.fixture(autouse=True)
async def whole_schema(database: str) -> None:
    """Processes require everything that `ordersaga migrate` creates."""
    await migrate_all(database)


def environment(database: str, receiver: Receiver, **more: str) -> dict[str, str]:
    return clean_environment(
        ORDERSAGA_DATABASE_URL=database,
        ORDERSAGA_WEBHOOK_URL=receiver.url,
        ORDERSAGA_WEBHOOK_SECRET=SECRET,
        ORDERSAGA_WEBHOOK_TIMEOUT_S=TIMEOUT_S,
        ORDERSAGA_ENCRYPT_PERSONAL_DATA="false",
        **more,
    )


@asynccontextmanager
async def sender(env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """`ordersaga notifications run` as a process; ended with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ordersaga", "notifications", "run"),
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def submitted(pool: asyncpg.Pool, store: PostgresEventStore, *orders: Order) -> None:
    for order in orders:
        await append_events(store, *order.completed())
    await runner_of(pool, store, [notifications.PROJECTION]).catch_up()


async def nothing_waits(pool: asyncpg.Pool) -> bool:
    return (await outbox.count(pool)).waiting == 0


async def test_a_sender_killed_after_the_answer_sends_again_under_the_same_id(
    database: str, pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await submitted(pool, store, Order("A1"))
    env = environment(database, receiver)
    async with sender(env) as first:

        async def kill_then_answer() -> int:
            first.send_signal(signal.SIGKILL)
            await first.wait()
            return 200

        receiver.answers.append(kill_then_answer)
        await until(lambda: first.returncode == -signal.SIGKILL)
    assert (await outbox.count(pool)).leased == 1
    async with sender(env):
        await until(lambda: nothing_waits(pool))
    assert receiver.types() == [SUBMITTED, SUBMITTED, COMPLETED]
    first_id, second_id, third_id = (event["id"] for event in receiver.accepted)
    assert first_id == second_id != third_id


async def test_of_two_senders_one_may_be_killed_and_nothing_is_lost(
    database: str, pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    orders = [Order(f"A{number}") for number in range(60)]
    await submitted(pool, store, *orders)
    env = environment(database, receiver, ORDERSAGA_WEBHOOK_CONNECTIONS="4")
    async with sender(env) as first, sender(env):
        await until(lambda: len(receiver.accepted) >= 20)
        first.kill()
        await until(lambda: nothing_waits(pool))
    assert receiver.repetitions() <= 4
    for order in orders:
        seen = list(dict.fromkeys(receiver.types(order.id)))
        assert seen == [SUBMITTED, COMPLETED]


async def test_a_sender_stops_at_sigterm(
    database: str, pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await submitted(pool, store, Order("A1"))
    async with sender(environment(database, receiver)) as process:
        await until(lambda: nothing_waits(pool))
        process.terminate()
        assert await process.wait() == 0
    assert receiver.types() == [SUBMITTED, COMPLETED]


async def test_operators_list_dead_notifications_and_send_them_again(
    database: str, pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await submitted(pool, store, Order("A1"), Order("B2"))
    env = environment(database, receiver)
    receiver.usual = 404
    async with sender(env):
        await until(lambda: nothing_waits(pool))
        status = (await ordersaga("notifications", "status", "--json", env=env)).json()
        assert (status["dead"], status["waiting"], status["delivered"]) == (4, 0, 0)
        command = ("notifications", "list", "--state", "dead", "--order", "A1", "--json")
        listed = (await ordersaga(*command, env=env)).json()["items"]
        assert [(row["kind"], row["attempts"], row["last_error"]) for row in listed] == [
            ("order.completed", 1, "HTTP 404"),
            ("order.submitted", 1, "HTTP 404"),
        ]
        receiver.usual = 204
        command = ("notifications", "retry", listed[1]["id"], "--json")
        assert (await ordersaga(*command, env=env)).json() == {"retried": [listed[1]["id"]]}
        await until(lambda: len(receiver.accepted) == 1)
        command = ("notifications", "retry", "--all", "--json")
        assert len((await ordersaga(*command, env=env)).json()["retried"]) == 3
        await until(lambda: len(receiver.accepted) == 4)
    again = await ordersaga("notifications", "retry", listed[0]["id"], env=env)
    assert (again.code, again.err) == (1, "error: none of these is waiting or dead\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("retry",), "say which: ids, --order, --kind or --all"),
        (("retry", "7"), "'7' is not a notification id"),
        (("list", "--state", "asleep"), "asleep"),
    ],
)
async def test_wrong_options_are_refused(
    database: str, receiver: Receiver, arguments: tuple[str, ...], said: str
) -> None:
    ended = await ordersaga("notifications", *arguments, env=environment(database, receiver))
    assert ended.code == 2
    assert said in ended.err


async def test_tables_for_people_and_a_backfill(
    database: str, pool: asyncpg.Pool, store: PostgresEventStore, receiver: Receiver
) -> None:
    await submitted(pool, store, Order("A1"))
    env = environment(database, receiver)

    async def printed(*arguments: str) -> str:
        ended: Ended = await ordersaga("notifications", *arguments, env=env)
        assert ended.code == 0, ended.err
        return ended.out

    assert "oldest waits" in await printed("status")
    assert "order.completed" in await printed("list")
    assert "there" not in await printed("list", "--limit", "2")
    assert await printed("backfill") == "continues after position 0\n"
    assert await printed("retry", "--kind", "order.completed") == "1 will be sent again\n"
