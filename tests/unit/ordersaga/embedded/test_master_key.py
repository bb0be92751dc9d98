"""Where the master key comes from, and that it shows nowhere."""

import base64
import stat
from pathlib import Path

import pytest

from ordersaga.bootstrap.protection import master_keys
from ordersaga.bootstrap.settings import load_settings
from ordersaga.embedded.master_key import ensure_master_key
from ordersaga.errors import WrongSetting

ONE = base64.b64encode(b"1" * 32).decode()
TWO = base64.b64encode(b"2" * 32).decode()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MASTER_KEY", "MASTER_KEY_FILE", "OLDER_MASTER_KEYS", "ENCRYPT_PERSONAL_DATA"):
        monkeypatch.delenv(f"ORDERSAGA_{name}", raising=False)
    monkeypatch.setenv("ORDERSAGA_DATA_DIR", str(tmp_path / "no stack"))


def test_an_embedded_stack_makes_its_key_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = ensure_master_key(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = path.read_text()
    assert ensure_master_key(tmp_path).read_text() == made
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert master_keys(load_settings(master_key_file=path)) is not None


def test_the_variable_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{TWO}\n")
    monkeypatch.setenv("ORDERSAGA_MASTER_KEY_FILE", str(tmp_path / "key"))
    from_file = master_keys(load_settings())
    monkeypatch.setenv("ORDERSAGA_MASTER_KEY", ONE)
    monkeypatch.setenv("ORDERSAGA_OLDER_MASTER_KEYS", TWO)
    settings = load_settings()
    from_variable = master_keys(settings)
    assert from_file is not None
    assert from_variable is not None
    assert from_variable.current_id != from_file.current_id
    assert from_variable.open(from_file.make("a")).subject == "a"
    assert ONE not in repr(settings)
    assert TWO not in repr(settings)


@pytest.mark.parametrize("name", ["MASTER_KEY", "OLDER_MASTER_KEYS"])
def test_a_wrong_key_is_named_by_its_variable_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("ORDERSAGA_MASTER_KEY", ONE)
    monkeypatch.setenv(f"ORDERSAGA_{name}", "hunter2")
    with pytest.raises(WrongSetting) as refusal:
        load_settings()
    assert str(refusal.value).startswith(f"ORDERSAGA_{name}: must be")
    assert "hunter2" not in str(refusal.value)


def test_a_missing_key_file_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERSAGA_MASTER_KEY_FILE", "/nowhere/key")
    with pytest.raises(WrongSetting, match="ORDERSAGA_MASTER_KEY_FILE: cannot be read"):
        load_settings()


def test_plain_text_is_an_explicit_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongSetting, match="ORDERSAGA_ENCRYPT_PERSONAL_DATA=false"):
        master_keys(load_settings())
    monkeypatch.setenv("ORDERSAGA_ENCRYPT_PERSONAL_DATA", "false")
    assert master_keys(load_settings()) is None
