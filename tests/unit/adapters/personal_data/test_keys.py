import base64
from dataclasses import replace
from uuid import uuid4

import pytest

from adapters.personal_data.errors import MasterKeyMissing, Tampered
from adapters.personal_data.keys import MasterKeys, new_master_key, parse_master_key

OLD, NEW = b"o" * 32, b"n" * 32


def test_a_wrapped_key_opens_with_its_master_key() -> None:
    wrapped = MasterKeys(OLD).make("customer-1")
    key = MasterKeys(OLD).open(wrapped)
    assert (key.key_id, key.subject, len(key.secret)) == (wrapped.key_id, "customer-1", 32)
    assert key.secret not in wrapped.wrapped
    assert repr(key.secret) not in repr(key)


def test_another_master_key_is_named_as_missing() -> None:
    wrapped = MasterKeys(OLD).make("customer-1")
    with pytest.raises(MasterKeyMissing, match=MasterKeys(OLD).current_id):
        MasterKeys(NEW).open(wrapped)


def test_a_previous_master_key_still_opens_but_the_current_one_wraps() -> None:
    wrapped = MasterKeys(OLD).make("customer-1")
    both = MasterKeys(NEW, [OLD])
    again = both.wrap(both.open(wrapped))
    assert again.master_key_id == both.current_id != wrapped.master_key_id
    assert MasterKeys(NEW).open(again) == MasterKeys(OLD).open(wrapped)


def test_a_wrapped_key_does_not_open_for_another_subject() -> None:
    master = MasterKeys(OLD)
    wrapped = master.make("customer-1")
    turned = wrapped.wrapped[:-1] + bytes([wrapped.wrapped[-1] ^ 1])
    for changed in (
        replace(wrapped, subject="customer-2"),
        replace(wrapped, key_id=uuid4()),
        replace(wrapped, wrapped=turned),
        replace(wrapped, wrapped=b""),
    ):
        with pytest.raises(Tampered):
            master.open(changed)


@pytest.mark.parametrize("text", ["", "short", "ä" * 43, base64.b64encode(b"k" * 31).decode()])
def test_an_invalid_master_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="base64 text of 32") as refusal:
        parse_master_key(text)
    assert not text or text not in str(refusal.value)


def test_new_master_keys_are_valid_and_different() -> None:
    assert len(parse_master_key(f"{new_master_key()}\n")) == 32
    assert new_master_key() != new_master_key()
