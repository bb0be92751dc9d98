"""CloudEvents and the signature of webhooks."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from structlog.testing import capture_logs

from adapters.notifications.cloud_events import CloudEvent, LogSink
from adapters.notifications.signature import parse_secrets, signature
from tests.support.stores.webhooks import SECRET, WrongSignature, verify

EVENT = CloudEvent(
    id="7d0e3f0c-0000-5000-8000-000000000001",
    source="/ordersaga",
    type="ordersaga.order.completed",
    subject="A1",
    time=datetime(2026, 1, 31, 13, 30, tzinfo=timezone(timedelta(hours=1))),
    dataschema="urn:ordersaga:notification:order.completed:1",
    data={"tracking_number": "TN1"},
    extensions={"sequence": "00000000000000000007"},
)
BODY = b'{"a":1}'


def signed(keys: tuple[bytes, ...], sent_at: int = 1_000) -> dict[str, str]:
    return {
        "webhook-id": "m1",
        "webhook-timestamp": str(sent_at),
        "webhook-signature": signature(keys, "m1", sent_at, BODY),
    }


def test_an_event_is_one_json_object_with_the_required_attributes() -> None:
    assert json.loads(EVENT.to_json()) == {
        "specversion": "1.0",
        "id": "7d0e3f0c-0000-5000-8000-000000000001",
        "source": "/ordersaga",
        "type": "ordersaga.order.completed",
        "subject": "A1",
        "time": "2026-01-31T12:30:00Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:ordersaga:notification:order.completed:1",
        "sequence": "00000000000000000007",
        "data": {"tracking_number": "TN1"},
    }


def test_the_signature_matches_the_example_of_the_specification() -> None:
    keys = parse_secrets("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_accepts_only_what_was_signed() -> None:
    headers = signed(parse_secrets(SECRET))
    assert verify(SECRET, headers, BODY, now=1_100) is None
    for changed in ({"webhook-id": "m2"}, {"webhook-timestamp": "1001"}):
        with pytest.raises(WrongSignature):
            verify(SECRET, {**headers, **changed}, BODY, now=1_100)
    with pytest.raises(WrongSignature):
        verify(SECRET, headers, BODY + b" ", now=1_100)
    with pytest.raises(WrongSignature):
        verify(SECRET, headers, BODY, now=2_000)


def test_with_two_secrets_a_receiver_may_use_either() -> None:
    other = "whsec_" + base64.b64encode(b"another key of thirty-two bytes!").decode()
    headers = signed(parse_secrets(f"{other} {SECRET}"))
    for secret in (SECRET, other):
        assert verify(secret, headers, BODY, now=1_000) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must hold a secret"),
        ("hunter2hunter2hunter2hunter2", "must begin with whsec_"),
        ("whsec_%%%%", "must be base64"),
        ("whsec_" + base64.b64encode(b"short").decode(), "24 to 64 bytes"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "24 to 64 bytes"),
    ],
)
def test_a_malformed_secret_is_refused_without_showing_it(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        parse_secrets(text)
    assert not text or text not in str(refused.value)


async def test_the_log_gets_the_whole_event() -> None:
    sink = LogSink()
    with capture_logs() as lines:
        await sink.send(EVENT)
    await sink.close()
    assert [line["cloudevent"] for line in lines] == [EVENT.attributes()]
    assert EVENT.time.astimezone(UTC).hour == 12
