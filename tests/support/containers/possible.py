"""Whether this machine can run containers, and if not, why."""

import os
import shutil
import sys
from typing import Final

from tests.support.containers.images import BASE
from tests.support.containers.podman import Podman

PROGRAMS: Final = ("podman", "runc", "debootstrap", "iptables", "apt-get")


def why_not() -> str:
    """Why no container can be run here; empty if nothing speaks against it."""
    if sys.platform != "linux":
        return "containers are rehearsed on Linux only"
    if os.geteuid() != 0:
        return "the rehearsal of containers needs root"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"the rehearsal of containers needs {', '.join(missing)}: make packages"
    return ""


def why_none_starts(podman: Podman) -> str:
    """Why the base image cannot be started; empty if it can."""
    tried = podman.run("podman", "run", "--rm", BASE, "true")
    return f"no container starts here: {tried.stderr[-500:]}" if tried.returncode else ""
