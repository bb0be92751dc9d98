"""Settings of an issuer: what fits together, and a secret that is never shown."""

from pathlib import Path
from typing import Any

import pytest

from ordersaga.access.roles import Role
from ordersaga.bootstrap.settings import Settings, load_settings
from ordersaga.errors import WrongSetting

GOOD: dict[str, Any] = {
    "oidc_issuer": "https://id.shop.example/realm",
    "oidc_audience": "orders-api",
    "oidc_roles": '{"shop-operators": "operator"}',
    "oidc_client_id": "orders-console",
    "oidc_client_secret": "hunter2",
    "oidc_redirect_uri": "https://orders.shop.example/console/sign-in/return",
}


@pytest.fixture(autouse=True)
def no_other_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ORDERSAGA_{name.upper()}", raising=False)
    monkeypatch.setenv("ORDERSAGA_DATA_DIR", str(tmp_path / "stack"))


def test_without_an_issuer_there_is_none() -> None:
    assert load_settings().oidc() is None


def test_an_issuer_is_kept_exactly_as_it_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(f"ORDERSAGA_{name.upper()}", value)
    for url in (GOOD["oidc_issuer"], "https://id.shop.example", "https://id.shop.example/"):
        monkeypatch.setenv("ORDERSAGA_OIDC_ISSUER", url)
        options = load_settings().oidc()
        assert options is not None
        assert options.issuer == url
        assert options.roles == {"shop-operators": Role.OPERATOR}


def test_the_secret_does_not_show() -> None:
    settings = load_settings(**GOOD)
    assert "hunter2" not in f"{settings!r}{settings.oidc()!r}{settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("oidc_issuer", "http://id.shop.example"),
        ("oidc_issuer", "id.shop.example"),
        ("oidc_issuer", "https://ann:hunter2@id.shop.example"),
        ("oidc_roles", None),
        ("oidc_roles", "{}"),
        ("oidc_roles", "shop-operators"),
        ("oidc_roles", '{"shop-operators": "king"}'),
        ("oidc_roles", "[1]"),
        ("oidc_redirect_uri", None),
        ("oidc_redirect_uri", "https://orders.shop.example/console"),
        ("oidc_redirect_uri", "http://orders.shop.example/console/sign-in/return"),
        ("oidc_scopes", "email"),
        ("oidc_name_claim", "two words"),
    ],
)
def test_a_wrong_one_is_named(name: str, value: Any) -> None:
    with pytest.raises(WrongSetting) as refused:
        load_settings(**GOOD | {name: value})
    assert str(refused.value).startswith(f"ORDERSAGA_{name.upper()}")
    assert "hunter2" not in str(refused.value)


def test_somebody_must_be_meant() -> None:
    neither = {"oidc_audience": None, "oidc_client_id": None, "oidc_redirect_uri": None}
    with pytest.raises(WrongSetting, match="ORDERSAGA_OIDC_AUDIENCE"):
        load_settings(**GOOD | neither)


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:80"])
def test_on_this_machine_no_tls_is_needed(host: str) -> None:
    assert load_settings(**GOOD | {"oidc_issuer": f"http://{host}/realm"}).oidc()
