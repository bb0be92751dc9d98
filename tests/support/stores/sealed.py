"""A store that seals what the contract suites append, so that they prove it is a store like any."""

from adapters.personal_data.store import PersonalDataStore
from adapters.personal_data.vaults import CachingVault, InMemoryKeyVault
from eventstore.store import EventStore

FIELDS = {"Happened": (("n",), ("text",)), "Raised": (("by",),)}


def sealed(inner: EventStore) -> PersonalDataStore:
    vault = CachingVault(InMemoryKeyVault())
    return PersonalDataStore(inner, vault, fields=FIELDS, personal_categories=frozenset())
