"""Settings of notifications: where they go, and a secret that is never shown."""

from pathlib import Path

import pytest

from adapters.notifications.cloud_events import LogSink
from adapters.notifications.webhooks import WebhookSink
from ordersaga.bootstrap.providers import build_sink
from ordersaga.bootstrap.settings import load_settings
from ordersaga.errors import WrongSetting
from tests.support.stores.webhooks import SECRET

URL = "https://shop.example/hooks"


@pytest.fixture(autouse=True)
def no_other_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("WEBHOOK_URL", "WEBHOOK_SECRET", "CONFIG_FILE", "NOTIFICATION_SOURCE"):
        monkeypatch.delenv(f"ORDERSAGA_{name}", raising=False)
    monkeypatch.setenv("ORDERSAGA_DATA_DIR", str(tmp_path / "stack"))


async def test_without_a_webhook_notifications_go_to_the_log() -> None:
    sink = build_sink(load_settings())
    assert isinstance(sink, LogSink)
    await sink.close()


async def test_with_a_webhook_they_go_there() -> None:
    sink = build_sink(load_settings(webhook_url=URL, webhook_secret=SECRET))
    assert isinstance(sink, WebhookSink)
    await sink.close()


@pytest.mark.parametrize("value", [None, "hunter2hunter2", "whsec_hunter2"])
def test_a_webhook_needs_a_good_secret_and_does_not_show_a_bad_one(value: str | None) -> None:
    with pytest.raises(WrongSetting) as refused:
        load_settings(webhook_url=URL, webhook_secret=value)
    assert str(refused.value).startswith("ORDERSAGA_WEBHOOK_SECRET: ")
    assert "hunter2" not in str(refused.value)


def test_the_secret_does_not_show_in_the_settings() -> None:
    settings = load_settings(webhook_url=URL, webhook_secret=SECRET)
    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()


@pytest.mark.parametrize("source", ["", "two words", "/grün"])
def test_a_source_is_a_uri_reference(source: str) -> None:
    with pytest.raises(WrongSetting, match="ORDERSAGA_NOTIFICATION_SOURCE"):
        load_settings(notification_source=source)
