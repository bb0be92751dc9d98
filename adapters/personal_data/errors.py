"""What can be wrong with sealed data, and what to do.

EventStoreError
└── PersonalDataError
    ├── MasterKeyMissing  the master key of a data key is not among the settings: give it back
    └── Tampered          a sealed value or a data key was changed or moved: restore the row
"""

from eventstore.errors import EventStoreError


class PersonalDataError(EventStoreError):
    """Root of what makes sealed data unreadable although it was not erased."""


class MasterKeyMissing(PersonalDataError):
    """A data key was wrapped by a master key that this process was not given.

    Attributes:
        master_key_id: which one.
    """

    def __init__(self, master_key_id: str) -> None:
        super().__init__(
            f"personal data is locked by master key {master_key_id}, which the settings do not name"
        )
        self.master_key_id = master_key_id


class Tampered(PersonalDataError):
    """A sealed value does not open with its own key in its own place."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where}: sealed data was changed or moved to where it does not belong")
