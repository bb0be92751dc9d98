"""Podman without systemd: its socket, its configuration, and health checks run by a loop."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

# runc: crun starts nothing where limits are set from outside or cgroups are of both versions.
_CONFIGURATION: Final = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
"""
_EVERY_S: Final = 2.0
_HEALTHY_EVERY_S: Final = 30.0
_AT_ONCE: Final = 4
_LONGEST_S: Final = 1200.0
_NANOSECONDS: Final = 1e9

Container = Mapping[str, Any]


class Podman:
    """The program, with its configuration in a folder.

    Args:
        folder: for its configuration and socket.
    """

    def __init__(self, folder: Path) -> None:
        self._configuration = folder / "containers.conf"
        self._configuration.write_text(_CONFIGURATION)
        self.socket = folder / "podman.sock"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of programs that use it."""
        return {
            **os.environ,
            "CONTAINERS_CONF": str(self._configuration),
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_BUILDKIT": "0",
        }

    def __call__(self, *arguments: str) -> str:
        """Run it; returns what it printed."""
        done = self.run("podman", *arguments)
        if done.returncode != 0:
            raise RuntimeError(f"podman {' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def run(
        self, *command: str, limit_s: float = _LONGEST_S, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run any program that uses it, whatever its exit code."""
        return subprocess.run(
            command,
            **{"env": self.environment, "stdin": subprocess.DEVNULL, **options},
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
        )

    def containers(self, *filters: str) -> list[Container]:
        """The containers that pass all filters, such as `label=a=b`, ended ones included."""
        chosen = [word for each in filters for word in ("--filter", each)]
        ids = self("ps", "--all", "--quiet", *chosen).split()
        # One may be removed between the two questions: ask for the others again.
        done = self.run("podman", "inspect", *ids) if ids else None
        if done is not None and done.returncode != 0:
            return self.containers(*filters)
        return list(json.loads(done.stdout)) if done is not None else []

    def is_well(self, container: str) -> bool:
        """Run its health check once."""
        return self.run("podman", "healthcheck", "run", container).returncode == 0

    @contextmanager
    def serving(self, chosen: str) -> Iterator[None]:
        """Its socket, on which Compose works, and the health checks that systemd would run.

        Args:
            chosen: a filter of the containers whose health is asked for.
        """
        command = ["podman", "system", "service", "--time=0", f"unix://{self.socket}"]
        service = subprocess.Popen(command, env=self.environment, stderr=subprocess.DEVNULL)
        done = threading.Event()
        checking = threading.Thread(target=self._check_until, args=(done, chosen), daemon=True)
        checking.start()
        try:
            while not self.socket.exists():
                if service.poll() is not None:
                    raise RuntimeError("podman's service did not start")
                done.wait(0.1)
            yield
        finally:
            done.set()
            checking.join()
            service.terminate()
            service.wait()

    def _check_until(self, done: threading.Event, chosen: str) -> None:
        checked: dict[str, datetime] = {}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while not done.wait(_EVERY_S):
                running = self.containers(chosen, "status=running")
                due = [each["Id"] for each in running if _is_due(each, checked.get(each["Id"]))]
                list(pool.map(self.is_well, due))
                checked |= dict.fromkeys(due, datetime.now(UTC))


def _is_due(container: Container, last: datetime | None) -> bool:
    """Whether its health is to be asked for.

    While it starts often, as others wait for it and a bad answer does not count; then by its own
    times, and at most every half a minute once it is healthy: nothing depends on that.
    """
    check = container["Config"].get("Healthcheck")
    if not check:
        return False
    now = datetime.now(UTC)
    started = datetime.fromisoformat(container["State"]["StartedAt"])
    starts = (now - started).total_seconds() < check.get("StartPeriod", 0) / _NANOSECONDS
    if last is None or (starts and health_of(container) != "healthy"):
        return True
    pause_s = check["Interval"] / _NANOSECONDS
    if health_of(container) == "healthy":
        pause_s = max(pause_s, _HEALTHY_EVERY_S)
    return (now - last).total_seconds() >= pause_s


def health_of(container: Container) -> str:
    """`healthy`, `unhealthy` or `starting`; empty if it has no health check."""
    state = container["State"]
    return str((state.get("Health") or state.get("Healthcheck") or {}).get("Status", ""))
