"""The issuer as the API knows it: its keys, read rarely, and whatever else it may answer."""

import asyncio

import pytest

from ordersaga.access.oidc import fetching, issuer
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.api.issuer import TROUBLES, IdentityProvider, opened_issuer
from tests.support.api.shop import opened_api
from tests.support.stores.postgres import fresh_database


class Clock:
    """Seconds that go forward when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_rotated_key_is_found_by_one_reading_and_the_old_one_is_believed_no_more() -> None:
    async with opened_issuer(k1="ES256") as provider:
        clock = Clock()
        keys = issuer.Issuer(provider.url, clock)
        assert await keys.key("k1", "ES256")
        provider.rotate("k2")
        assert await keys.key("k2", "ES256") is None, "it was read a moment ago"
        clock.now += issuer.PAUSE_S
        assert await keys.key("k2", "ES256")
        assert await keys.key("k1", "ES256") is None
        assert provider.asked["keys"] == 2


async def test_a_flood_of_unknown_keys_asks_the_issuer_once_in_a_while() -> None:
    async with opened_issuer(k1="ES256") as provider:
        clock = Clock()
        keys = issuer.Issuer(provider.url, clock)
        for _ in range(3):
            names = [f"{clock.now}-{number}" for number in range(200)]
            found = await asyncio.gather(*(keys.key(name, "ES256") for name in names))
            assert set(found) == {None}
            clock.now += issuer.PAUSE_S
        assert provider.asked["keys"] == 3


async def test_keys_are_read_again_beside_requests_and_believed_for_a_day() -> None:
    async with opened_issuer(k1="ES256") as provider:
        clock = Clock()
        keys = issuer.Issuer(provider.url, clock)
        assert await keys.key("k1", "ES256")
        provider.trouble = TROUBLES["hangs"][0]
        clock.now += issuer.FRESH_FOR_S + 1
        async with asyncio.timeout(fetching.WITHIN_S / 2):
            assert await keys.key("k1", "ES256"), "nobody waits for the issuer"
        await keys.close()
        provider.trouble = TROUBLES["an error"][0]
        clock.now += issuer.USABLE_FOR_S
        with pytest.raises(issuer.IssuerUnavailable, match="status 500"):
            await keys.key("k1", "ES256")
        provider.trouble = None
        clock.now += issuer.PAUSE_S
        assert await keys.key("k1", "ES256")


@pytest.mark.parametrize("name", TROUBLES)
async def test_whatever_the_issuer_answers_its_tokens_wait_and_ours_work(
    postgres_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(fetching, "WITHIN_S", 2.0)
    trouble, why = TROUBLES[name]
    async with (
        opened_issuer() as provider,
        fresh_database(postgres_server) as database,
        opened_api(database, **provider.settings()) as shop,
    ):
        provider.trouble = trouble
        asked = [shop.get("/orders", token=provider.token()) for _ in range(5)]
        replies, own = await asyncio.gather(asyncio.gather(*asked), shop.get("/orders"))
        assert own.status == 200
        for reply in replies:
            assert (reply.status, reply.code) == (503, "issuer_unavailable"), reply.text
            assert why in reply.json["detail"]
            assert reply.headers["Retry-After"] == "10"
        assert provider.asked["openid-configuration"] == 1
        monkeypatch.setattr(issuer, "PAUSE_S", 0.0)
        provider.trouble = None
        token = provider.token()
        assert (await shop.get("/orders", token=token)).status == 200
        provider.trouble = trouble
        assert (await shop.get("/stock", token=token)).status == 200, "keys go on working"
        unknown = await shop.get("/orders", token=provider.token(header={"kid": "k9"}))
        assert unknown.code == "issuer_unavailable", "nobody can say whether there is such a key"


async def test_an_issuer_that_is_away_is_said_to_be(postgres_server: EmbeddedPostgres) -> None:
    provider = IdentityProvider(k1="ES256")
    changed = provider.settings()
    async with fresh_database(postgres_server) as database, opened_api(database, **changed) as shop:
        reply = await shop.get("/orders", token=provider.token())
        assert (reply.status, reply.code) == (503, "issuer_unavailable")
        assert "cannot be reached" in reply.json["detail"]
        assert (await shop.get("/orders")).status == 200
