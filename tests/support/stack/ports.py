"""Free ports for servers of tests."""

import contextlib
import os
import socket
from random import SystemRandom

_BELOW_OUTGOING = range(15_000, 32_000)  # Linux takes 32768 and above, others 49152
_WORKERS = 16
_given: set[int] = set()


def free_ports(count: int, among: range = _BELOW_OUTGOING) -> list[int]:
    """Different free ports, of those that no outgoing connection takes before they are used.

    A port is given once, and to one of the processes of a test run only: most are bound later.
    """
    found: list[int] = []
    mine = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _WORKERS
    ports = among[mine::_WORKERS]
    if 2 * len(_given) > len(ports):
        _given.clear()
    while len(found) < count:
        port = ports[SystemRandom().randrange(len(ports))]
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found += [port] * (port not in _given)
            _given.add(port)
    return found
