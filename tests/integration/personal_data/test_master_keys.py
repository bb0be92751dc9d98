"""A process whose master key opens nothing is known at its start, and seals nobody's data."""

import base64

import pytest

from adapters.personal_data.errors import MasterKeyMissing
from adapters.personal_data.keys import MasterKeys, master_key_id
from ordersaga.bootstrap.protection import MasterKeyState, master_key_state
from ordersaga.bootstrap.settings import Settings
from ordersaga.personal_data.vault import KeyRing
from tests.support.stores.personal_data import SealedShop, new_master_key, sealed_shop


def key_id(text: str) -> str:
    return master_key_id(base64.b64decode(text))


async def state_of(shop: SealedShop) -> MasterKeyState:
    return await master_key_state(shop.services.pool, shop.services.settings)


async def stored_keys(shop: SealedShop) -> int:
    stored: int = await shop.services.pool.fetchval("SELECT count(*) FROM personal_data.data_keys")
    return stored


async def test_an_empty_vault_takes_any_key_and_a_full_one_only_its_own(
    database: str, master_key: str
) -> None:
    async with sealed_shop(database, master_key) as shop:
        assert await state_of(shop) == MasterKeyState((), ())
        await shop.place("A1")
        assert (await state_of(shop)).problem is None
    async with sealed_shop(database, new_master_key()) as shop:
        state = await state_of(shop)
        assert state.opens_nothing
        assert state.missing == (key_id(master_key),)
        assert "opens none of the stored keys" in str(state.problem)
        assert master_key not in str(state.problem)


async def test_a_process_in_plain_text_without_a_key_opens_nothing_of_a_full_vault(
    database: str, shop: SealedShop
) -> None:
    await shop.place("A1")
    plain = Settings.model_validate({"database_url": database, "encrypt_personal_data": False})
    assert (await master_key_state(shop.services.pool, plain)).opens_nothing


async def test_a_wrong_key_seals_no_new_customer(database: str, master_key: str) -> None:
    async with sealed_shop(database, master_key) as shop:
        await shop.place("A1")
    async with sealed_shop(database, new_master_key()) as shop:
        with pytest.raises(MasterKeyMissing, match=key_id(master_key)):
            await shop.place("B1", "13047")
        assert await stored_keys(shop) == 1


@pytest.mark.parametrize("destroyed", [False, True])
async def test_only_keys_that_still_exist_decide_what_a_key_opens(
    database: str, master_key: str, *, destroyed: bool
) -> None:
    async with sealed_shop(database, master_key) as shop:
        await shop.place("A1", "17850")
        ring = KeyRing(shop.services.pool)
        await ring.retire("customer-17850")
        if destroyed:
            await ring.destroy("customer-17850")
    async with sealed_shop(database, new_master_key()) as shop:
        assert (await state_of(shop)).opens_nothing is not destroyed


async def test_each_step_of_a_change_of_the_key_opens_something(
    database: str, master_key: str
) -> None:
    new = new_master_key()
    async with sealed_shop(database, master_key) as old:
        await old.place("A1")
        async with sealed_shop(database, new, older_master_keys=master_key) as both:
            assert (await state_of(both)).problem is None
            await both.place("B1", "13047")
            half = await state_of(old)
            assert (half.opens_nothing, half.missing) == (False, (key_id(new),))
            assert "does not open all keys" in str(half.problem)
            master = MasterKeys(base64.b64decode(new), [base64.b64decode(master_key)])
            assert await KeyRing(both.services.pool).rewrap(master) == 1
            assert (await state_of(both)).problem is None
        assert (await state_of(old)).opens_nothing
    async with sealed_shop(database, new) as shop:
        assert (await state_of(shop)).problem is None
