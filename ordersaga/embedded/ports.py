"""Which TCP ports the servers of an embedded stack take."""

import socket
from collections.abc import Callable
from typing import Final

HOST: Final = "127.0.0.1"


class PortTaken(Exception):
    """A port that was asked for by number is in use."""


def is_free(port: int) -> bool:
    """Whether nobody listens on a loopback port right now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


class PortChooser:
    """Hands out ports: the one asked for, else the usual one, else any free one.

    Args:
        report: told when a usual port is taken and another one is used.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._given: set[int] = set()

    def choose(self, purpose: str, asked: int | None, usual: int) -> int:
        """The port for a purpose.

        Raises:
            PortTaken: `asked` is in use.
        """
        if asked is not None and not self._available(asked):
            raise PortTaken(f"port {asked} for {purpose} is in use: choose another one")
        port = asked if asked is not None else self._usual_or_any(purpose, usual)
        self._given.add(port)
        return port

    def _usual_or_any(self, purpose: str, usual: int) -> int:
        if self._available(usual):
            return usual
        port = self._any()
        self._report(f"port {usual} is in use: {purpose} takes {port}")
        return port

    def _any(self) -> int:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        return port if port not in self._given else self._any()

    def _available(self, port: int) -> bool:
        return port not in self._given and is_free(port)
