"""Errors of sealed data, and what to do about them.

EventStoreError
└── PersonalDataError
    ├── MasterKeyMissing  the settings lack the master key of a data key: restore it
    └── Tampered          a sealed value or a data key was changed or moved: restore the row
"""

from eventstore.errors import EventStoreError


class PersonalDataError(EventStoreError):
    """Base class: sealed data cannot be read although it was not erased."""


class MasterKeyMissing(PersonalDataError):
    """A data key was wrapped by a master key that this process does not have."""

    def __init__(self, master_key_id: str) -> None:
        super().__init__(
            f"the settings lack master key {master_key_id}, which encrypts personal data"
        )


class Tampered(PersonalDataError):
    """A sealed value or data key was changed, or moved to another place."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where}: sealed data was changed or moved")
