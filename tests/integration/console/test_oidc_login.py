"""Logging in to the console with an issuer, without a browser: the code flow and its refusals."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from ordersaga.console.sessions import LOGIN, SESSION
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.api.issuer import CLIENT, TROUBLES, IdentityProvider, opened_issuer
from tests.support.api.pages import Reader
from tests.support.api.shop import ApiShop, Reply, opened_api
from tests.support.stores.postgres import fresh_database

BEGIN = "/sign-in/begin?next=/orders%3Fstatus%3Dcompleted"


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[IdentityProvider]:
    async with opened_issuer() as opened:
        yield opened


@pytest.fixture(scope="module")
async def shop(
    postgres_server: EmbeddedPostgres, provider: IdentityProvider
) -> AsyncIterator[ApiShop]:
    async with (
        fresh_database(postgres_server) as database,
        opened_api(database, **provider.settings()) as opened,
    ):
        yield opened


@dataclass
class Browser:
    """Keeps cookies and follows nothing by itself."""

    shop: ApiShop
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str) -> Reply:
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        url = f"{self.shop.url}/console{path}"
        async with self.shop.http.get(url, headers=sent, allow_redirects=False) as answer:
            for line in answer.headers.getall("Set-Cookie", ()):
                for name, morsel in SimpleCookie(line).items():
                    self.cookies[name] = morsel.value
            return Reply(answer.status, await answer.text(), answer.headers)

    async def begin(self) -> dict[str, str]:
        """The question that the browser takes to the issuer."""
        reply = await self.get(BEGIN)
        assert reply.status == 303, reply.text
        return dict(parse_qsl(urlsplit(reply.headers["Location"]).query))

    async def come_back(self, address: str, **changes: str | None) -> Reply:
        """Go where the issuer sends the browser, with another query."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        changed = {name: value for name, value in (query | changes).items() if value is not None}
        return await self.get(f"/sign-in/return?{urlencode(changed)}")


async def test_somebody_logs_in_and_comes_where_they_wanted(
    shop: ApiShop, provider: IdentityProvider
) -> None:
    browser = Browser(shop)
    page = await browser.get("/sign-in")
    assert "Log in with the shop" in page.text
    answer = provider.agree(await browser.begin())
    reply = await browser.come_back(answer)
    assert (reply.status, reply.headers["Location"]) == (303, "/console/orders?status=completed")
    assert not browser.cookies[LOGIN]
    home = await browser.get("/")
    assert "operator:oidc/f3a1" in home.text
    reader = Reader(shop, browser.cookies[SESSION])
    out = await reader.send("/orders", "/sign-out")
    assert (out.status, f'{SESSION}=""' in out.headers["Set-Cookie"]) == (303, True)


async def test_the_cookies_are_for_the_console_alone(shop: ApiShop) -> None:
    reply = await Browser(shop).get(BEGIN)
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith(f"{LOGIN}=")
    for part in ("HttpOnly", "Path=/console", "SameSite=lax"):
        assert part in cookie


async def test_the_question_hides_what_the_browser_keeps(shop: ApiShop) -> None:
    browser, other = Browser(shop), Browser(shop)
    first, second = await browser.begin(), await other.begin()
    assert not set(first.values()) & set(browser.cookies.values())
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]
        assert len(first[name]) == 43
    assert (first["client_id"], first["scope"]) == (CLIENT, "openid")


REFUSED: Mapping[str, tuple[dict[str, str | None], int, str]] = {
    "another state": ({"state": "x" * 43}, 400, "not the one to a login"),
    "no state": ({"state": None}, 400, "not the one to a login"),
    "a state of other letters": ({"state": "é"}, 400, "not the one to a login"),
    "another issuer": ({"iss": "https://evil.example"}, 400, "not the one to a login"),
    "another code": ({"code": "nonsense"}, 401, "does not take the code"),
    "no code": ({"code": None}, 401, "answered: no code"),
    "a refusal": ({"code": None, "error": "access_denied"}, 401, "answered: access_denied"),
    "a refusal in words": ({"code": None, "error": "<b>no</b>"}, 401, "answered: no code"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_another_answer_is_refused(
    shop: ApiShop, provider: IdentityProvider, name: str
) -> None:
    changes, status, text = REFUSED[name]
    browser = Browser(shop)
    answer = provider.agree(await browser.begin())
    reply = await browser.come_back(answer, **changes)
    assert (reply.status, text in reply.text) == (status, True), reply.text
    assert SESSION not in browser.cookies


async def test_the_answer_to_another_browser_is_refused(
    shop: ApiShop, provider: IdentityProvider
) -> None:
    """An attacker hands somebody his own answer, so that they work in his name."""
    attacker, victim = Browser(shop), Browser(shop)
    answer = provider.agree(await attacker.begin())
    assert (await victim.come_back(answer)).status == 400
    await victim.begin()
    assert (await victim.come_back(answer)).status == 400
    assert SESSION not in victim.cookies


async def test_an_answer_is_taken_once(shop: ApiShop, provider: IdentityProvider) -> None:
    browser = Browser(shop)
    answer = provider.agree(await browser.begin())
    kept = browser.cookies[LOGIN]
    assert (await browser.come_back(answer)).status == 303
    assert (await browser.come_back(answer)).status == 400
    thief = Browser(shop, {LOGIN: kept})
    assert (await thief.come_back(answer)).status == 401
    assert SESSION not in thief.cookies


async def test_a_code_of_another_attempt_of_this_browser_is_refused(
    shop: ApiShop, provider: IdentityProvider
) -> None:
    """PKCE: the issuer takes a code only from whoever asked for it."""
    browser, other = Browser(shop), Browser(shop)
    stolen = parse_qs(urlsplit(provider.agree(await other.begin())).query)["code"][0]
    answer = provider.agree(await browser.begin())
    assert (await browser.come_back(answer, code=stolen)).status == 401


ID_TOKENS: Mapping[str, tuple[dict[str, Any], int, str]] = {
    "another nonce": ({"nonce": "n"}, 401, "answer to another login"),
    "no nonce": ({"nonce": None}, 401, "answer to another login"),
    "another client": ({"azp": "somebody"}, 401, "made for another client"),
    "expired": ({"exp": 1, "iat": 0}, 401, "has expired"),
    "no subject": ({"sub": None}, 401, "no claim sub"),
    "too long for a cookie": ({"more": "m" * 4000}, 401, "too long"),
    "no role": ({"groups": ["everybody"]}, 403, "claim groups"),
}


@pytest.mark.parametrize("name", ID_TOKENS)
async def test_another_id_token_is_refused(
    shop: ApiShop, provider: IdentityProvider, name: str
) -> None:
    provider.claims, status, text = ID_TOKENS[name]
    browser = Browser(shop)
    try:
        reply = await browser.come_back(provider.agree(await browser.begin()))
    finally:
        provider.claims = {}
    assert (reply.status, text in reply.text) == (status, True), reply.text
    assert SESSION not in browser.cookies


async def test_a_token_for_the_api_is_no_session_and_a_session_no_token_for_the_api(
    shop: ApiShop, provider: IdentityProvider
) -> None:
    assert (await Reader(shop, provider.token()).get("/orders")).status == 303
    assert (await Reader(shop, provider.id_token()).get("/orders")).status == 200
    assert (await shop.get("/orders", token=provider.id_token())).status == 401


async def test_a_session_ends_with_its_token(shop: ApiShop, provider: IdentityProvider) -> None:
    expired = provider.id_token(iat=1, exp=2)
    assert (await Reader(shop, expired).get("/orders")).status == 303


async def test_an_issuer_that_fails_is_named_and_our_own_tokens_sign_in(
    postgres_server: EmbeddedPostgres,
) -> None:
    async with (
        opened_issuer() as provider,
        fresh_database(postgres_server) as database,
        opened_api(database, **provider.settings()) as shop,
    ):
        provider.trouble = TROUBLES["an error"][0]
        reply = await Browser(shop).get(BEGIN)
        assert (reply.status, "the status 500" in reply.text) == (503, True)
        signed = await Reader(shop, "").post(
            "/sign-in", {"token": next(iter(shop.tokens.values()))}
        )
        assert signed.status == 303


async def test_without_a_client_there_is_no_button(
    postgres_server: EmbeddedPostgres, provider: IdentityProvider
) -> None:
    changed = provider.settings(oidc_client_id=None, oidc_redirect_uri=None)
    async with fresh_database(postgres_server) as database, opened_api(database, **changed) as shop:
        browser = Browser(shop)
        assert not re.search("Log in with", (await browser.get("/sign-in")).text)
        for path in (BEGIN, "/sign-in/return?code=a&state=b"):
            assert (await browser.get(path)).status == 404
