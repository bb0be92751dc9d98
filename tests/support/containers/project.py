"""docker-compose.yml as a project of its own, run by Docker Compose over Podman's socket."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.support.containers.images import Images
from tests.support.containers.podman import Container, Podman, health_of
from tests.support.repository.compose import COMPOSE_FILE, EXAMPLE, compose_program, services
from tests.support.repository.source_tree import ROOT
from tests.support.stack.stack import free_ports

HOST: Final = "127.0.0.1"
KILLED: Final = 128 + signal.SIGKILL
_PORTS: Final = ("TEMPORAL_PORT", "UI_PORT", "API_PORT")
_LABEL: Final = "com.docker.compose"
_LOOK_EVERY_S: Final = 1.0
_LIMIT_S: Final = 300.0
_START_LIMIT_S: Final = 600.0


class Project:
    """The shipped file with the example environment and all profiles.

    Args:
        podman: runs it.
        name: of the project; what another run of that name left is removed.
        folder: for the secrets.
        images: what the containers are made of.
    """

    def __init__(self, podman: Podman, name: str, folder: Path, images: Images) -> None:
        self._podman = podman
        self._name = name
        self._secrets = folder / "secrets"
        self._images = images
        self._ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))

    @property
    def filter(self) -> str:
        """Chooses its containers among those of the machine."""
        return f"label={_LABEL}.project={self._name}"

    def address(self, port: str) -> str:
        """Where a port is published: API_PORT or UI_PORT."""
        return f"http://{HOST}:{self._ports[port]}"

    def compose(self, *arguments: str, limit_s: float = _LIMIT_S) -> str:
        """Run Docker Compose; returns what it printed.

        Raises:
            RuntimeError: it failed, or left containers in a state that was not asked for.
        """
        files = ("--file", str(COMPOSE_FILE), "--env-file", str(EXAMPLE))
        command = (str(compose_program()), *files, "--project-name", self._name, *arguments)
        done = self._podman.run(*command, env=self._environment(), cwd=ROOT, limit_s=limit_s)
        if done.returncode != 0:
            raise RuntimeError(f"compose {' '.join(arguments)}: {done.stdout}{done.stderr[-3000:]}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        ports = {name: str(port) for name, port in self._ports.items()}
        settings = {"SECRETS_DIR": str(self._secrets), "COMPOSE_PROFILES": "*"}
        return {**self._podman.environment, **self._images.names, **ports, **settings}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Make secrets, start everything, wait until all is healthy; remove it all in the end."""
        subprocess.run([ROOT / "deploy" / "make-secrets.sh", str(self._secrets)], check=True)
        self._remove()
        try:
            self.compose(
                "up", "--detach", "--no-build", "--wait", "--wait-timeout", "600", limit_s=700
            )
            yield
        finally:
            self._remove()

    def _remove(self) -> None:
        self.compose("down", "--volumes", "--timeout", "10")

    def containers(self) -> dict[str, Container]:
        """The container of each service, as Podman knows it; not those of operators' commands."""
        mine = self._podman.containers(self.filter, f"label={_LABEL}.oneoff=False")
        return {each["Config"]["Labels"][f"{_LABEL}.service"]: each for each in mine}

    def operator(self, *arguments: str, options: Sequence[str] = ()) -> str:
        """Run a command of an operator in a container of its own, as the documents say.

        Without what it depends on, which runs: Podman calls a network by its name where Compose
        expects its id, so that Compose would make every such container anew. And apart from
        Compose, to which Podman tells no exit code.

        Args:
            arguments: of `ordersaga`.
            options: of `docker compose run`.

        Raises:
            RuntimeError: it failed.
        """
        name = f"{self._name}-operator"
        detached = ("run", "--detach", "--no-deps", "--name", name)
        self.compose(*detached, *options, "migrate", *arguments)
        code = self._podman("wait", name).strip()
        printed = self._podman.run("podman", "logs", name)
        self._podman("rm", name)
        if code != "0":
            said = f"{printed.stdout}{printed.stderr}"
            raise RuntimeError(f"{' '.join(arguments)} ended with {code}: {said}")
        return printed.stdout

    def run(self, service: str, *command: str) -> str:
        """Run a program in the container of a service."""
        return self.compose("exec", "--no-TTY", service, *command)

    def kill(self, service: str) -> float:
        """Kill the main process, as the kernel does for want of memory; returns once all is well.

        Returns:
            the seconds until it is healthy again.
        """
        killed = self.containers()[service]["State"]["Pid"]
        began = time.monotonic()
        os.kill(killed, signal.SIGKILL)
        wait_until(f"{service} healthy after a kill", lambda: self._is_back(service, killed))
        return time.monotonic() - began

    def _is_back(self, service: str, before: int) -> bool:
        container = self.containers()[service]
        runs = container["State"]["Status"] == "running" and container["State"]["Pid"] != before
        return runs and self._podman.is_well(container["Id"])

    def replace(self, service: str) -> tuple[float, int]:
        """Stop it and make it anew, as a deployment does.

        Returns:
            the seconds until it is healthy, and how the old one ended.
        """
        began = time.monotonic()
        self.compose("stop", service)
        code = int(self.containers()[service]["State"]["ExitCode"])
        options = ("--detach", "--no-deps", "--no-build", "--force-recreate")
        self.compose("up", *options, "--wait", "--wait-timeout", "120", service)
        return time.monotonic() - began, code

    def stop(self) -> dict[str, int]:
        """Stop everything, each within its grace period; returns how each container ended."""
        self.compose("stop")
        return {name: each["State"]["ExitCode"] for name, each in self.containers().items()}

    def ill(self) -> list[str]:
        """Containers that last and are not healthy, and jobs that have not ended well."""
        found = self.containers()
        return sorted(name for name in services() if not _is_well(name, found.get(name)))


def lasting() -> list[str]:
    """The services whose containers run until they are stopped."""
    return sorted(name for name, each in services().items() if each["restart"] != "on-failure")


def _is_well(name: str, container: Container | None) -> bool:
    if container is None:
        return False
    state: Mapping[str, Any] = container["State"]
    if name in lasting():
        return state["Status"] == "running" and health_of(container) == "healthy"
    return state["Status"] == "exited" and state["ExitCode"] == 0


def wait_until(what: str, holds: Callable[[], bool], limit_s: float = _LIMIT_S) -> None:
    """Wait for a state.

    Raises:
        RuntimeError: it did not come.
    """
    deadline = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"it did not come within {limit_s:.0f} s: {what}")
        time.sleep(_LOOK_EVERY_S)
