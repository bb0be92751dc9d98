"""How the composition root protects personal data: from the settings to a store that seals it."""

from typing import TYPE_CHECKING

from ordersaga.bootstrap.settings import ENV_PREFIX, Settings
from ordersaga.errors import WrongSetting

if TYPE_CHECKING:
    import asyncpg

    from adapters.personal_data.keys import MasterKeys
    from eventstore.store import EventStore


def master_keys(settings: Settings) -> "MasterKeys | None":
    """The master keys of the settings; None if there are none and plain text was chosen.

    Raises:
        WrongSetting: there are none, and nobody chose to store personal data in plain text.
    """
    texts = settings.master_key_texts()
    if not texts:
        if settings.encrypt_personal_data:
            raise WrongSetting(_MISSING)
        return None
    from adapters.personal_data.keys import MasterKeys, parse_master_key

    current, *older = (parse_master_key(text) for text in texts)
    return MasterKeys(current, older)


_MISSING = (
    f"{ENV_PREFIX}MASTER_KEY: needed to encrypt personal data; give 32 random bytes as base64 "
    f"(`openssl rand -base64 32`), here or in a file that {ENV_PREFIX}MASTER_KEY_FILE names, or "
    f"choose plain text with {ENV_PREFIX}ENCRYPT_PERSONAL_DATA=false"
)


def protected(
    store: "EventStore", pool: "asyncpg.Pool[asyncpg.Record]", settings: Settings
) -> "EventStore":
    """`store` with personal data sealed; `store` itself if plain text was chosen without a key.

    Raises:
        WrongSetting: see `master_keys`.
    """
    master = master_keys(settings)
    if master is None:
        return store
    from adapters.personal_data.store import PersonalDataStore
    from adapters.personal_data.vaults import CachingVault
    from ordersaga.personal_data.vault import PostgresKeyVault

    vault = CachingVault(PostgresKeyVault(pool, master))
    return PersonalDataStore(store, vault, sealing=settings.encrypt_personal_data)
