import pytest

from adapters.personal_data.vaults import CachingVault, InMemoryKeyVault


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_key_is_requested_once_in_its_lifetime(clock: Clock) -> None:
    vault = CachingVault(InMemoryKeyVault(), lifetime_s=3, clock=clock)
    first = (await vault.keys_for(["a"]))["a"]
    clock.now = 2.9
    assert (await vault.keys_for(["a"]))["a"] == first
    assert await vault.find([first.key_id]) == {first.key_id: first}
    assert vault.requests == 1
    clock.now = 3.0
    await vault.keys_for(["a"])
    assert vault.requests == 2


async def test_an_erasure_is_seen_after_the_lifetime(clock: Clock) -> None:
    inner = InMemoryKeyVault()
    vault = CachingVault(inner, lifetime_s=3, clock=clock)
    key = (await vault.keys_for(["a"]))["a"]
    inner.destroy("a")
    assert await vault.find([key.key_id]) == {key.key_id: key}
    clock.now = 3.0
    assert await vault.find([key.key_id]) == {}
    assert (await vault.keys_for(["a"]))["a"] != key


async def test_a_page_of_keys_is_one_request_for_the_missing_ones(clock: Clock) -> None:
    inner = InMemoryKeyVault()
    keys = await inner.keys_for([f"s{n}" for n in range(50)])
    ids = [key.key_id for key in keys.values()]
    vault = CachingVault(inner, clock=clock)
    assert len(await vault.find(ids[:30])) == 30
    assert len(await vault.find(ids)) == 50
    assert vault.requests == 2


async def test_a_missing_key_is_cached_as_missing(clock: Clock) -> None:
    inner = InMemoryKeyVault()
    key = (await inner.keys_for(["a"]))["a"]
    inner.destroy("a")
    vault = CachingVault(inner, clock=clock)
    assert await vault.find([key.key_id]) == {}
    assert await vault.find([key.key_id]) == {}
    assert vault.requests == 1


async def test_the_cache_has_a_maximum_size(clock: Clock) -> None:
    vault = CachingVault(InMemoryKeyVault(), size=10, clock=clock)
    for number in range(100):
        await vault.keys_for([f"s{number}"])
    assert (len(vault._by_subject), len(vault._by_id)) == (10, 10)
    await vault.keys_for(["s99"])
    assert vault.requests == 100
    await vault.keys_for(["s0"])
    assert vault.requests == 101
