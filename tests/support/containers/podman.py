"""Podman without systemd: its socket, its configuration, and health checks run by a loop."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_CONFIGURATION: Final = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
"""
_EVERY_S: Final = 2.0
_LONGEST_S: Final = 1200.0


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

    def __call__(self, *arguments: str, check: bool = True, **options: Any) -> str:
        """Run it; returns what it printed."""
        done = self.run("podman", *arguments, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"podman {' '.join(arguments)}: {done.stderr[-2000:]}")
        return done.stdout

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run any program that uses it."""
        return subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_S,
            **options,
        )

    def inspect(self, containers: Sequence[str]) -> list[dict[str, Any]]:
        """What it knows of some containers."""
        return list(json.loads(self("inspect", *containers))) if containers else []

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Its socket, on which Compose works, and the health checks that systemd would run."""
        command = ["podman", "system", "service", "--time=0", f"unix://{self.socket}"]
        service = subprocess.Popen(command, env=self.environment, stderr=subprocess.DEVNULL)
        done = threading.Event()
        checking = threading.Thread(target=self._check_until, args=(done,), daemon=True)
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

    def _check_until(self, done: threading.Event) -> None:
        while not done.wait(_EVERY_S):
            for name in self("ps", "--format", "{{.Names}}", check=False).split():
                self.run("podman", "healthcheck", "run", name)
