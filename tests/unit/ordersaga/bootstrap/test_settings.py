"""Settings: sources, their order, and one clear line when something is wrong."""

from pathlib import Path

import pytest

from ordersaga.bootstrap import stack_state as state
from ordersaga.bootstrap.settings import load_settings
from ordersaga.errors import Unreachable, WrongSetting

OURS = "postgresql://shop:hunter2@db.example:6543/orders"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "DATABASE_URL",
        "CONFIG_FILE",
        "SECRETS_DIR",
        "METRICS_PORT",
        "PAYMENT_PROVIDER",
        "LOG_LEVEL",
    ):
        monkeypatch.delenv(f"ORDERSAGA_{name}", raising=False)
    monkeypatch.setenv("ORDERSAGA_DATA_DIR", str(tmp_path / "stack"))


def stack_state() -> state.StackState:
    return state.StackState(
        pid=1,
        database_url="postgresql://ordersaga@127.0.0.1:1/ordersaga",
        temporal_address="127.0.0.1:2",
        ui_url="http://127.0.0.1:3",
        payment_url="http://127.0.0.1:4",
        carrier_url="http://127.0.0.1:5",
    )


def test_a_password_shows_neither_in_the_settings_nor_in_the_location(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDERSAGA_DATABASE_URL", OURS)
    settings = load_settings()
    assert "hunter2" not in repr(settings)
    assert settings.database_location() == "db.example:6543/orders"
    assert settings.dsn() == OURS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("METRICS_PORT", "99999"),
        ("PAYMENT_PROVIDER", "barter"),
        ("LOG_LEVEL", "loud"),
        ("GATEWAY_TIMEOUT_S", "soon"),
        ("PAYMENT_URL", "not a url"),
        ("DATABASE_URL", "mysql://root:hunter2@db/orders"),
        ("DATABASE_URL", "hunter2"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_the_variable_and_hides_the_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"ORDERSAGA_{name}", value)
    with pytest.raises(WrongSetting) as caught:
        load_settings()
    message = str(caught.value)
    assert message.startswith(f"ORDERSAGA_{name}: ")
    assert "\n" not in message
    assert "hunter2" not in message


def test_stripe_without_a_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERSAGA_PAYMENT_PROVIDER", "stripe")
    with pytest.raises(WrongSetting, match="ORDERSAGA_STRIPE_API_KEY"):
        load_settings()
    monkeypatch.setenv("ORDERSAGA_STRIPE_API_KEY", "sk_test_1")
    assert "sk_test_1" not in repr(load_settings())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shop.toml", 'worker_concurrency = 7\nlog_level = "error"\n'),
        ("shop.env", "ORDERSAGA_WORKER_CONCURRENCY=7\nORDERSAGA_LOG_LEVEL=error\n"),
    ],
)
def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    monkeypatch.setenv("ORDERSAGA_CONFIG_FILE", str(file))
    monkeypatch.setenv("ORDERSAGA_LOG_LEVEL", "debug")
    settings = load_settings()
    assert settings.worker_concurrency == 7
    assert settings.log_level == "debug"


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("ORDERSAGA_SECRETS_DIR", str(folder))
    return folder


def test_a_setting_may_be_a_file_that_is_named_as_its_variable(
    monkeypatch: pytest.MonkeyPatch, secrets: Path
) -> None:
    monkeypatch.setenv("ORDERSAGA_PAYMENT_PROVIDER", "stripe")
    (secrets / "ordersaga_stripe_api_key").write_text("sk_test_1\n")
    (secrets / "ordersaga_webhook_secret").write_text("\n")
    settings = load_settings()
    assert settings.stripe_api_key is not None
    assert settings.stripe_api_key.get_secret_value() == "sk_test_1"
    assert settings.webhook_secret is None, "an empty file sets nothing"
    monkeypatch.setenv("ORDERSAGA_STRIPE_API_KEY", "sk_test_2")
    assert load_settings().stripe_api_key != settings.stripe_api_key, "the environment wins"


@pytest.mark.parametrize(
    ("url", "completed"),
    [
        ("postgresql://shop@db/orders", "postgresql://shop:a%40b%2Fc@db/orders"),
        (
            "postgresql://shop@a:1,b:2/orders?target_session_attrs=read-write",
            "postgresql://shop:a%40b%2Fc@a:1,b:2/orders?target_session_attrs=read-write",
        ),
        ("postgresql://shop:own@db/orders", "postgresql://shop:own@db/orders"),
    ],
)
def test_a_password_completes_a_url_that_has_none(
    monkeypatch: pytest.MonkeyPatch, secrets: Path, url: str, completed: str
) -> None:
    monkeypatch.setenv("ORDERSAGA_DATABASE_URL", url)
    (secrets / "ordersaga_database_password").write_text("a@b/c\n")
    settings = load_settings()
    assert settings.dsn() == completed
    assert "a@b/c" not in repr(settings)
    assert "a%40b" not in settings.database_location()


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_secrets_that_cannot_be_read_are_named_without_their_content(
    secrets: Path, content: bytes | None
) -> None:
    if content is None:
        secrets.rmdir()
    else:
        (secrets / "ordersaga_master_key").write_bytes(content)
    with pytest.raises(WrongSetting, match=r"ORDERSAGA_SECRETS_DIR: .*secrets or a file in it"):
        load_settings()


@pytest.mark.parametrize("text", [None, "log_level = ", "\x00\xff"])
def test_a_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "shop.toml"
    if text is not None:
        file.write_bytes(text.encode("latin-1"))
    monkeypatch.setenv("ORDERSAGA_CONFIG_FILE", str(file))
    with pytest.raises(WrongSetting, match=r"ORDERSAGA_CONFIG_FILE: cannot read .*shop\.toml"):
        load_settings()


def test_without_a_url_and_without_a_stack_the_database_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="ordersaga up"):
        load_settings().dsn()


def test_a_running_stack_is_found_through_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    folder.mkdir()
    state.save(folder, stack_state())
    assert load_settings().database_url is None, "a state file alone does not mean it runs"
    with state.exclusive(folder):
        settings = load_settings()
    assert settings.dsn() == stack_state().database_url
    assert settings.embedded_temporal_address == "127.0.0.1:2"
    assert str(settings.carrier_url) == "http://127.0.0.1:5/"


def test_a_url_of_ones_own_wins_over_a_running_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "stack"
    folder.mkdir()
    state.save(folder, stack_state())
    monkeypatch.setenv("ORDERSAGA_DATABASE_URL", OURS)
    with state.exclusive(folder):
        settings = load_settings()
    assert settings.dsn() == OURS
    assert settings.embedded_temporal_address is None


def test_a_folder_has_one_stack_at_a_time(tmp_path: Path) -> None:
    with state.exclusive(tmp_path), pytest.raises(state.AlreadyRunning), state.exclusive(tmp_path):
        pass
    assert not state.is_running(tmp_path)
