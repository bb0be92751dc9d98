"""The key vault on a real database: several processes at once, the master key's change."""

import asyncio
import base64
import sys
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from adapters.personal_data.errors import MasterKeyMissing, Tampered
from adapters.personal_data.keys import MasterKeys
from eventstore.errors import SchemaMissing
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.wiring import open_services
from ordersaga.errors import WrongSetting
from ordersaga.personal_data.vault import KeyRing, PostgresKeyVault
from tests.support.stores.event_store import opened_app_pool, opened_operator_pool, opened_pool
from tests.support.stores.logins import as_processes
from tests.support.stores.personal_data import HIDDEN, SealedShop, new_master_key, sealed_shop

MASTER = MasterKeys(b"m" * 32)
ROOT = Path(__file__).parents[3]
CLAIM = """
import asyncio, sys
from adapters.personal_data.keys import MasterKeys
from eventstore.postgres.pool import create_pool
from ordersaga.personal_data.vault import PostgresKeyVault

async def main(url):
    pool = await create_pool(url)
    print("ready", flush=True)
    sys.stdin.readline()
    vault = PostgresKeyVault(pool, MasterKeys(b"m" * 32))
    for number in range(200):
        key = (await vault.keys_for([f"s{number}"]))[f"s{number}"]
        print(key.key_id, key.secret.hex())
    await pool.close()

asyncio.run(main(sys.argv[1]))
"""


async def test_tasks_that_claim_at_once_get_the_same_keys(database: str) -> None:
    subjects = [f"s{number}" for number in range(20)]
    async with opened_app_pool(database, max_size=20) as pool:
        vaults = [PostgresKeyVault(pool, MASTER) for _ in range(20)]
        answers = await asyncio.gather(
            *(
                vault.keys_for(subjects if n % 2 else subjects[::-1])
                for n, vault in enumerate(vaults)
            )
        )
        assert await pool.fetchval("SELECT count(*) FROM personal_data.data_keys") == 20
    assert all(answer == answers[0] for answer in answers)
    assert len({key.secret for key in answers[0].values()}) == 20


async def test_two_processes_that_claim_at_once_get_the_same_keys(database: str) -> None:
    url = await as_processes(database)
    both = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            CLAIM,
            url,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in both:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*(process.communicate(b"\n") for process in both))
    assert answers[0][0] == answers[1][0]
    assert len(answers[0][0].splitlines()) == 200


async def test_destroyed_keys_are_gone_and_the_next_one_is_another(database: str) -> None:
    async with opened_operator_pool(database) as pool:
        vault, ring = PostgresKeyVault(pool, MASTER), KeyRing(pool)
        old = (await vault.keys_for(["a"]))["a"]
        assert await ring.destroy("a") == ()
        assert await ring.retire("a") == (old.key_id,)
        assert await vault.find([old.key_id]) == {old.key_id: old}
        assert await ring.destroy("a") == (old.key_id,)
        assert await vault.find([old.key_id, uuid4()]) == {}
        assert (await vault.keys_for(["a"]))["a"].key_id != old.key_id
        assert await ring.destroyed("a") == (old.key_id,)
        kept = await pool.fetch("SELECT wrapped FROM personal_data.data_keys ORDER BY created_at")
        assert [row["wrapped"] is None for row in kept] == [True, False]


async def test_a_retirement_is_taken_back_unless_there_is_a_newer_key(database: str) -> None:
    async with opened_operator_pool(database) as pool:
        vault, ring = PostgresKeyVault(pool, MASTER), KeyRing(pool)
        old = (await vault.keys_for(["a"]))["a"]
        await ring.restore(await ring.retire("a"))
        assert (await vault.keys_for(["a"]))["a"] == old
        retired = await ring.retire("a")
        newer = (await vault.keys_for(["a"]))["a"]
        await ring.restore(retired)
        assert (await vault.keys_for(["a"]))["a"] == newer
        assert len(await vault.find([old.key_id, newer.key_id])) == 2


async def test_a_row_that_was_changed_is_refused(database: str) -> None:
    async with opened_pool(database) as pool:
        vault = PostgresKeyVault(pool, MASTER)
        key = (await vault.keys_for(["a"]))["a"]
        await pool.execute("UPDATE personal_data.data_keys SET subject = 'b'")
        with pytest.raises(Tampered):
            await vault.find([key.key_id])


async def test_a_database_without_the_vault_says_so(empty_database: str) -> None:
    async with opened_pool(empty_database) as pool:
        with pytest.raises(SchemaMissing):
            await PostgresKeyVault(pool, MASTER).keys_for(["a"])


async def test_the_master_key_is_not_in_the_database(shop: SealedShop, master_key: str) -> None:
    await shop.place("A1")
    text = "".join((await shop.tables()).values())
    assert master_key not in text
    assert base64.b64decode(master_key).hex() not in text


# --- the master key's change ---------------------------------------------------------------------


async def test_the_master_key_can_be_changed(database: str, master_key: str) -> None:
    new = new_master_key()
    async with sealed_shop(database, master_key) as shop:
        await shop.place("A1")
        await shop.place("G1", None)
    async with sealed_shop(database, new) as shop:
        with pytest.raises(MasterKeyMissing):
            await shop.order("A1")
    async with sealed_shop(database, new, older_master_keys=master_key) as shop:
        assert (await shop.order("A1")).address == HIDDEN
        master = MasterKeys(base64.b64decode(new), [base64.b64decode(master_key)])
        ring = KeyRing(shop.services.pool)
        assert (await ring.rewrap(master), await ring.rewrap(master)) == (2, 0)
    async with sealed_shop(database, new) as shop:
        for order_id in ("A1", "G1"):
            assert (await shop.order(order_id)).address == HIDDEN


async def test_the_start_without_a_master_key_must_be_chosen(database: str) -> None:
    with pytest.raises(WrongSetting, match=r"ORDERSAGA_MASTER_KEY: needed .*openssl rand"):
        async with open_services(Settings.model_validate({"database_url": database})):
            pass
    chosen = {"database_url": database, "encrypt_personal_data": False}
    async with open_services(Settings.model_validate(chosen)) as services:
        await SealedShop(services).place("A1")
        assert services.store is services.log
        assert (await SealedShop(services).order("A1")).address == HIDDEN


async def test_sealing_an_append_asks_the_vault_once(shop: SealedShop) -> None:
    vault = shop.services.store._vault  # type: ignore[attr-defined]  # its counter is the proof
    for number in range(20):
        await shop.place(f"A{number}")
    assert vault.requests <= 20
    vault._clock = lambda: 0.0
    before = vault.requests
    for number in range(20):
        await shop.order(f"A{number}")
    assert vault.requests - before <= 1


async def test_the_claim_commits_without_waiting_for_the_disk(database: str) -> None:
    async with opened_app_pool(database) as pool, pool.acquire() as connection:
        assert isinstance(connection._con, asyncpg.Connection)
        async with connection.transaction():
            vault_key = MASTER.make("a")
            await connection.fetch(
                "SELECT * FROM personal_data.claim_keys($1, $2, $3, $4, $5)",
                ["a"],
                [vault_key.key_id],
                vault_key.master_key_id,
                [vault_key.wrapped],
                [vault_key.master_key_id],
            )
            assert await connection.fetchval("SHOW synchronous_commit") == "off"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
