"""Chooses the TCP ports of an embedded stack."""

import socket
from collections.abc import Callable
from typing import Final

HOST: Final = "127.0.0.1"


class PortTaken(Exception):
    """A requested port is in use."""


def is_free(port: int) -> bool:
    """Whether a loopback port is free right now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


class PortChooser:
    """Chooses ports: the requested one, otherwise the usual one, otherwise any free one.

    Args:
        report: called if a usual port is in use and another one is chosen.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._chosen: set[int] = set()

    def choose(self, purpose: str, requested: int | None, usual: int) -> int:
        """The port for a purpose.

        Raises:
            PortTaken: `requested` is in use.
        """
        port = usual if requested is None else requested
        if not self._available(port):
            if requested is not None:
                raise PortTaken(f"port {requested} for {purpose} is in use: choose another one")
            port = self._any()
            self._report(f"port {usual} is in use: {purpose} uses {port}")
        self._chosen.add(port)
        return port

    def _any(self) -> int:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        return port if port not in self._chosen else self._any()

    def _available(self, port: int) -> bool:
        return port not in self._chosen and is_free(port)
