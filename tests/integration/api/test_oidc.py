"""Tokens of an issuer at the API: what is believed of them, and what is not."""

import json
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import jwt
import pytest

from ordersaga.access.oidc import claims
from ordersaga.access.oidc.claims import LEEWAY_S, LONGEST_S
from ordersaga.access.oidc.keys import ALGORITHMS
from ordersaga.access.roles import Role
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.integration.api.test_live import listening
from tests.support.api.issuer import AUDIENCE, CLIENT, IdentityProvider, new_key, opened_issuer
from tests.support.api.shop import ApiShop, opened_api
from tests.support.stack.stack import order_document
from tests.support.stores.postgres import fresh_database

ANN = "operator:oidc/f3a1"


def now() -> int:
    return int(time.time())


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[IdentityProvider]:
    algorithms = {f"k-{each}": each for each in ALGORITHMS}
    async with opened_issuer(**algorithms) as opened:
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


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_token_of_each_algorithm_is_believed(
    shop: ApiShop, provider: IdentityProvider, algorithm: str
) -> None:
    token = provider.token(kid=f"k-{algorithm}")
    assert (await shop.get("/orders", token=token)).status == 200


async def test_its_subject_is_the_actor_and_its_role_decides(
    shop: ApiShop, provider: IdentityProvider
) -> None:
    await shop.post("/orders", order_document("oidc-1"))
    note = await shop.post("/orders/oidc-1/notes", {"text": "asked"}, token=provider.token())
    assert note.json["author"] == ANN
    reply = await shop.post("/orders", order_document("oidc-2"), token=provider.token())
    assert (reply.status, reply.code) == (403, "forbidden")
    last = (await shop.get("/audit/refusals?limit=1")).json["items"][0]
    assert (last["actor"], last["operation"]) == (ANN, "place_order")


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (
            ["shop-support", "shop-admins"],
            "admin",
        ),  # the first one of the setting, not of the token
        ("shop-support", "support"),
        (["shop-operators", 7, None, {}], "operator"),
    ],
)
async def test_the_first_role_of_the_setting_counts(
    shop: ApiShop, provider: IdentityProvider, groups: Any, role: str
) -> None:
    await shop.post("/orders", order_document("oidc-3"))
    token = provider.token(groups=groups)
    note = await shop.post("/orders/oidc-3/notes", {"text": "x"}, token=token)
    assert note.json["author"] == f"{role}:oidc/f3a1"


def _none(provider: IdentityProvider) -> str:
    head, body, _ = provider.token().split(".")
    unsigned = jwt.utils.base64url_encode(json.dumps({"alg": "none", "kid": "k-ES256"}).encode())
    assert head != unsigned.decode()
    return f"{unsigned.decode()}.{body}."


def _shared_secret(provider: IdentityProvider) -> str:
    """Signed with the public key as if it was a secret, which everybody could do."""
    given = jwt.decode(provider.token(), options={"verify_signature": False})
    key = jwt.PyJWK(
        {"kty": "oct", "k": jwt.utils.base64url_encode(provider.public_pem("k-RS256")).decode()},
        "HS256",
    ).key
    algorithm = jwt.get_algorithm_by_name("HS256")
    head = {"alg": "HS256", "kid": "k-RS256"}
    parts = [jwt.utils.base64url_encode(json.dumps(each).encode()) for each in (head, given)]
    signature = algorithm.sign(b".".join(parts), key)
    return b".".join([*parts, jwt.utils.base64url_encode(signature)]).decode()


def _of_another_key(provider: IdentityProvider) -> str:
    given = jwt.decode(provider.token(), options={"verify_signature": False})
    return jwt.encode(given, new_key("ES256"), "ES256", {"kid": "k-ES256"})


def _changed(provider: IdentityProvider) -> str:
    """The claims of another token under a good signature."""
    head, _, signature = provider.token().split(".")
    return f"{head}.{provider.token(groups=['shop-admins']).split('.')[1]}.{signature}"


def _other_algorithm(provider: IdentityProvider) -> str:
    """A key for one curve, named by a token of another one."""
    given = jwt.decode(provider.token(), options={"verify_signature": False})
    return jwt.encode(given, new_key("ES384"), "ES384", {"kid": "k-ES256"})


CLAIMS = ("iss", "sub", "aud", "exp", "iat")


def _without(name: str, provider: IdentityProvider) -> str:
    return provider.token(**{name: None})


Make = Callable[[IdentityProvider], str]
REFUSED: dict[str, tuple[Make, str]] = {
    "without a signature": (_none, "algorithm is not allowed"),
    "the public key as a secret": (_shared_secret, "algorithm is not allowed"),
    "signed by another key": (_of_another_key, "signature is wrong"),
    "claims of another token": (_changed, "signature is wrong"),
    "a key of another curve": (_other_algorithm, "key is not one of the issuer's"),
    "an unknown key": (lambda x: x.token(header={"kid": "k9"}), "key is not one of the issuer's"),
    "a shared key of the issuer": (
        lambda x: x.token(header={"kid": "shared"}),
        "key is not one of the issuer's",
    ),
    "a key id that is no text": (
        lambda x: _with_header(x, {"alg": "ES256", "kid": ["k-ES256"]}),
        "cannot be read",
    ),
    "another issuer": (lambda x: x.token(iss=f"{x.url}/"), "of another issuer"),
    "another audience": (lambda x: x.token(aud="somebody"), "for another audience"),
    "the audience of the console": (lambda x: x.id_token(), "for another audience"),
    "expired": (lambda x: x.token(exp=now() - LEEWAY_S - 5, iat=now() - 999), "has expired"),
    "not valid yet": (lambda x: x.token(nbf=now() + 3600), "is not valid yet"),
    "of tomorrow": (lambda x: x.token(iat=now() + 3600, exp=now() + 4000), "is not valid yet"),
    "valid for too long": (lambda x: x.token(exp=now() + LONGEST_S + 600), "longer than a day"),
    "valid for ever": (lambda x: x.token(exp=10**30), "longer than a day"),
    "an end that is no number": (lambda x: x.token(exp=float("inf")), "cannot be read"),
    "an end that is no number at all": (lambda x: x.token(exp=float("nan")), "cannot be read"),
    **{f"without {name}": (partial(_without, name), f"has no claim {name}") for name in CLAIMS},
    "an empty subject": (lambda x: x.token(sub=""), "subject is no text"),
    "a long subject": (lambda x: x.token(sub="s" * 256), "subject is no text"),
    "a critical header": (lambda x: x.token(header={"crit": ["exp"], "exp": 1}), "cannot be read"),
    "three words": (lambda _: "a.b.c", "cannot be read"),
    "nothing but dots": (lambda _: "..", "cannot be read"),
    "a deep header": (lambda _: _raw("[" * 6000), "cannot be read"),
    "a list as header": (lambda _: _raw("[]"), "cannot be read"),
    "too long": (lambda x: x.token(more="m" * 10_000), "cannot be read"),
}


def _raw(header: str) -> str:
    return f"{jwt.utils.base64url_encode(header.encode()).decode()}.e30.AA"


def _with_header(provider: IdentityProvider, header: dict[str, Any]) -> str:
    body = provider.token().split(".")[1]
    return f"{_raw(json.dumps(header)).split('.')[0]}.{body}.AA"


@pytest.mark.parametrize("name", REFUSED)
async def test_a_token_that_proves_nothing_is_refused_and_says_why(
    shop: ApiShop, provider: IdentityProvider, name: str
) -> None:
    make, why = REFUSED[name]
    reply = await shop.get("/orders", token=make(provider))
    assert (reply.status, reply.code) == (401, "unauthenticated"), reply.text
    assert why in reply.json["detail"]
    assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_the_clocks_may_be_apart_a_little(shop: ApiShop, provider: IdentityProvider) -> None:
    now = int(time.time())
    late = provider.token(exp=now - LEEWAY_S // 3, iat=now - 600)
    early = provider.token(iat=now + LEEWAY_S // 2, nbf=now + LEEWAY_S // 2)
    for token in (late, early):
        assert (await shop.get("/orders", token=token)).status == 200


@pytest.mark.parametrize("groups", [None, [], ["everybody"], "operator", {"admin": True}, 7])
async def test_without_a_role_nothing_is_done_and_the_subject_is_kept_by_its_id(
    shop: ApiShop, provider: IdentityProvider, groups: Any
) -> None:
    reply = await shop.get("/orders", token=provider.token(groups=groups))
    assert (reply.status, reply.code) == (403, "forbidden")
    assert "the claim groups" in reply.json["detail"]
    last = (await shop.get("/audit/refusals?limit=1")).json["items"][0]
    assert last["actor"].startswith("oidc-")
    assert "f3a1" not in str(last)


@pytest.mark.parametrize("subject", ["s" * 87, "a\nb", " ann"])
async def test_a_subject_that_no_event_could_hold_is_refused(
    shop: ApiShop, provider: IdentityProvider, subject: str
) -> None:
    reply = await shop.get("/orders", token=provider.token(sub=subject))
    assert (reply.status, reply.code) == (403, "forbidden")
    assert "no name" in reply.json["detail"]


async def test_our_own_tokens_and_the_issuer_s_are_two_people(
    shop: ApiShop, provider: IdentityProvider
) -> None:
    own = await shop.new_token(Role.OPERATOR, name="f3a1")
    await shop.post("/orders", order_document("oidc-4"))
    body = {"text": "same key"}
    for token, actor in ((own, "operator:f3a1"), (provider.token(), ANN)):
        reply = await shop.post("/orders/oidc-4/notes", body, token=token, key="oidc-same")
        assert reply.json["author"] == actor


async def test_a_stream_ends_when_its_token_expires(
    shop: ApiShop, provider: IdentityProvider
) -> None:
    now = int(time.time())
    token = provider.token(iat=now - 600, exp=now - LEEWAY_S + 3)
    async with listening(shop, token=token) as listener:
        assert await listener.next() is None
    assert time.time() >= now + 3
    assert (await shop.get("/changes", token=token)).status == 401


async def test_the_rate_of_a_subject_is_one_for_all_of_its_tokens(
    postgres_server: EmbeddedPostgres, provider: IdentityProvider
) -> None:
    async with (
        fresh_database(postgres_server) as database,
        opened_api(database, api_rate_per_s=1, **provider.settings()) as shop,
    ):
        replies = [
            await shop.get("/orders", token=provider.token(jti=str(number), groups=groups))
            for number in range(9)
            for groups in (["shop-operators"], [])
        ]
        assert 429 in {each.status for each in replies}


async def test_without_an_issuer_a_jwt_is_an_unknown_token(
    postgres_server: EmbeddedPostgres, provider: IdentityProvider
) -> None:
    async with fresh_database(postgres_server) as database, opened_api(database) as shop:
        assert (await shop.get("/orders", token=provider.token())).status == 401


async def test_without_an_audience_the_api_takes_none_of_its_tokens(
    postgres_server: EmbeddedPostgres, provider: IdentityProvider
) -> None:
    changed = provider.settings(oidc_audience=None)
    async with fresh_database(postgres_server) as database, opened_api(database, **changed) as shop:
        for audience in (CLIENT, AUDIENCE):
            token = provider.token(aud=audience)
            assert (await shop.get("/orders", token=token)).status == 401


# --- names ---------------------------------------------------------------------------------------


async def test_an_address_as_name_stands_in_the_audit_and_in_no_log(
    postgres_server: EmbeddedPostgres,
    provider: IdentityProvider,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    changed = provider.settings(oidc_name_claim="email")
    caplog.set_level("DEBUG")
    async with fresh_database(postgres_server) as database, opened_api(database, **changed) as shop:
        await shop.post("/orders", order_document("oidc-5"))
        ann = provider.token(email_verified=True)
        note = await shop.post("/orders/oidc-5/notes", {"text": "x"}, token=ann)
        assert note.json["author"] == "operator:oidc/ann@shop.example"
        assert (await shop.post("/orders", order_document("oidc-6"), token=ann)).status == 403
        for verified in (None, False, "true"):
            reply = await shop.get("/orders", token=provider.token(email_verified=verified))
            assert (reply.status, "not verified" in reply.text) == (403, True)
    logged = caplog.text + "".join(capfd.readouterr())
    assert "operator:oidc-" in logged, "the control: requests are logged by the id of the subject"
    assert "ann@" not in logged


def test_a_claim_may_stand_in_an_object_or_have_dots_in_its_name() -> None:
    nested = {"realm": {"roles": ["a"]}, "https://shop.example/roles": ["b"]}
    assert claims._claim(nested, "realm.roles") == ["a"]
    assert claims._claim(nested, "https://shop.example/roles") == ["b"]
    assert claims._claim(nested, "realm.roles.more") is None
