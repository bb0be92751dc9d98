"""Wraps the event store so that it encrypts personal data, if the settings require it."""

import asyncpg

from adapters.personal_data.keys import MasterKeys, parse_master_key
from adapters.personal_data.store import PersonalDataStore
from adapters.personal_data.vaults import CachingVault
from eventstore.store import EventStore
from ordersaga.bootstrap.settings import ENV_PREFIX, Settings
from ordersaga.errors import WrongSetting
from ordersaga.personal_data.vault import PostgresKeyVault

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


def protected(
    store: EventStore, pool: "asyncpg.Pool[asyncpg.Record]", settings: Settings
) -> EventStore:
    """`store` with personal data encrypted; `store` itself for plain text without a key.

    Raises:
        WrongSetting: see `master_keys`.
    """
    master = master_keys(settings)
    if master is None:
        return store
    vault = CachingVault(PostgresKeyVault(pool, master))
    return PersonalDataStore(store, vault, sealing=settings.encrypt_personal_data)
