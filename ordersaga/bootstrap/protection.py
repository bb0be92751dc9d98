"""Wraps the event store so that it encrypts personal data, if the settings require it."""

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from adapters.personal_data.keys import MasterKeys, parse_master_key
from adapters.personal_data.store import PersonalDataStore
from adapters.personal_data.vaults import CachingVault
from eventstore.store import EventStore
from ordersaga.bootstrap.settings import ENV_PREFIX, Settings
from ordersaga.errors import WrongSetting
from ordersaga.personal_data.vault import KeyRing, PostgresKeyVault

_MISSING = (
    f"{ENV_PREFIX}MASTER_KEY: needed to encrypt personal data; set it to 32 random bytes as base64 "
    f"(`openssl rand -base64 32`), or {ENV_PREFIX}MASTER_KEY_FILE to a file that holds them, or "
    f"choose plain text with {ENV_PREFIX}ENCRYPT_PERSONAL_DATA=false"
)


def master_keys(settings: Settings) -> MasterKeys | None:
    """The configured master keys; None if there is none and plain text was chosen.

    Raises:
        WrongSetting: there is none, and plain text was not chosen.
    """
    texts = settings.master_key_texts()
    if not texts:
        if settings.encrypt_personal_data:
            raise WrongSetting(_MISSING)
        return None
    current, *older = (parse_master_key(text) for text in texts)
    return MasterKeys(current, older)


@dataclass(frozen=True, slots=True)
class MasterKeyState:
    """The master keys of this process against those that the vault's keys are encrypted with.

    Attributes:
        used: ids in the vault; empty for an empty vault.
        missing: those of them that this process lacks, so that it cannot read some customers.
    """

    used: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def opens_nothing(self) -> bool:
        """Whether none of the vault's keys can be opened: the process must not take work.

        It would fail at every order, and seal new customers under a key that nobody else has.
        """
        return bool(self.used) and self.missing == self.used

    @property
    def problem(self) -> str | None:
        """What is wrong and what to do, in one line; None if nothing is."""
        if not self.missing:
            return None
        what = "opens none of the stored keys" if self.opens_nothing else "does not open all keys"
        return (
            f"the master key {what}: personal data is encrypted with master key "
            f"{', '.join(self.missing)}; set {ENV_PREFIX}MASTER_KEY or "
            f"{ENV_PREFIX}OLDER_MASTER_KEYS to it"
        )


async def master_key_state(
    pool: "asyncpg.Pool[asyncpg.Record]", settings: Settings
) -> MasterKeyState:
    """Compare the configured master keys with the vault; nothing is decrypted.

    Raises:
        WrongSetting: see `master_keys`.
        StoreUnavailable: the database does not answer.
    """
    master = master_keys(settings)
    held = frozenset[str]() if master is None else master.ids
    used = await KeyRing(pool).master_keys()
    return MasterKeyState(used, tuple(key_id for key_id in used if key_id not in held))


def protected(
    store: EventStore,
    pool: "asyncpg.Pool[asyncpg.Record]",
    settings: Settings,
    on_change: list[Callable[[], None]],
) -> EventStore:
    """`store` with personal data encrypted; `store` itself for plain text without a key.

    Args:
        store: of the database.
        pool: connections to it.
        settings: with the master key.
        on_change: is given what to call when the database goes on with another history: keys that
            it has lost seal nothing any more.

    Raises:
        WrongSetting: see `master_keys`.
    """
    master = master_keys(settings)
    if master is None:
        return store
    vault = CachingVault(PostgresKeyVault(pool, master))
    sealing = PersonalDataStore(store, vault, sealing=settings.encrypt_personal_data)
    on_change += [vault.forget, sealing.forget]
    return sealing
