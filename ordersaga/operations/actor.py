"""Who acts, for the audit trail."""

import getpass


def operator() -> str:
    """The system user of this command line, such as ``cli:ann``."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # the system knows no name for this user id
        return "cli:unknown"
