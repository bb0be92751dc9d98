"""Who acts, for the audit trail."""

import getpass
from dataclasses import dataclass
from uuid import uuid4

from eventstore.commands.handler import CommandContext
from eventstore.model import Metadata


def operator() -> str:
    """The system user of this command line, such as ``cli:ann``."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # the system knows no name for this user id
        return "cli:unknown"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for a command.

    Attributes:
        actor: for the audit trail.
        request_id: the same request again has the same one, and changes nothing; None: each
            command is a request of its own.
    """

    actor: str
    request_id: str | None = None

    def context(self, correlation_id: str) -> CommandContext:
        """The context of a command of this caller."""
        command_id = self.request_id or f"cli-{uuid4()}"
        return CommandContext(command_id, Metadata(correlation_id, command_id, self.actor))
