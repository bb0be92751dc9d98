"""The whole Compose file, running: what is asked of it while containers are killed."""

import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.support.containers.images import make_images
from tests.support.containers.podman import Podman
from tests.support.repository.compose import COMPOSE_FILE, EXAMPLE
from tests.support.repository.source_tree import ROOT

_OVERRIDE: Final = Path(__file__).with_name("override.yml")
_PROJECT: Final = "ordersaga-rehearsal"
_SAMPLE: Final = ROOT / "samples" / "online-retail.csv.gz"
_LONGEST_S: Final = 900.0
_PORTS: Final = {"TEMPORAL_PORT": "17233", "UI_PORT": "18233"}

Say = Callable[[str], None]


class Rehearsal:
    """One run of the file under a project of its own.

    Args:
        podman: runs it.
        folder: for the secrets.
        say: called with a line about each step.
    """

    def __init__(self, podman: Podman, folder: Path, say: Say) -> None:
        self._podman = podman
        self._secrets = folder / "secrets"
        self._say = say

    def compose(self, *arguments: str, check: bool = True) -> str:
        """Run Docker Compose on the shipped file and the example environment."""
        program = Path(sysconfig.get_path("scripts")) / "docker-compose"
        files = ("--file", str(COMPOSE_FILE), "--file", str(_OVERRIDE), "--env-file", str(EXAMPLE))
        settings = {"SECRETS_DIR": str(self._secrets), "COMPOSE_PROFILES": "*", **_PORTS}
        command = ["env", *(f"{name}={value}" for name, value in settings.items()), str(program)]
        done = self._podman.run(*command, *files, "--project-name", _PROJECT, *arguments, cwd=ROOT)
        if check and done.returncode != 0:
            raise RuntimeError(f"compose {' '.join(arguments)}: {done.stderr[-3000:]}")
        return done.stdout

    def up(self) -> None:
        """Make secrets, start everything, and wait until all of it is healthy."""
        subprocess.run([ROOT / "deploy" / "make-secrets.sh", str(self._secrets)], check=True)
        self.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "600")

    def down(self) -> None:
        """Stop and remove everything, volumes included."""
        self.compose("down", "--volumes", "--timeout", "30", check=False)

    def containers(self) -> dict[str, dict[str, Any]]:
        """Every container by its service, as Podman knows it."""
        label = "com.docker.compose.service"
        mine = f"label=com.docker.compose.project={_PROJECT}"
        ids = self._podman("ps", "--all", "--quiet", "--filter", mine).split()
        return {each["Config"]["Labels"][label]: each for each in self._podman.inspect(ids)}

    def operator(self, *arguments: str) -> str:
        """Run a command of an operator in a container of its own."""
        return self.compose("run", "--rm", "--no-TTY", "--no-deps", "migrate", *arguments)

    def wait_until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait for a state."""
        deadline = time.monotonic() + _LONGEST_S
        while not holds():
            if time.monotonic() > deadline:
                raise RuntimeError(f"it did not come: {what}")
            time.sleep(1)

    def all_healthy(self) -> bool:
        """Whether every lasting container runs and is healthy, and every job has ended well."""
        return all(map(_is_well, self.containers().values()))

    def place_orders(self, count: int) -> None:
        """Receive stock for real orders and submit them."""
        folder = "/samples"
        mount = ("--volume", f"{_SAMPLE.parent}:{folder}:ro")
        options = ("run", "--rm", "--no-TTY", "--no-deps", *mount, "migrate", "import")
        file = f"{folder}/{_SAMPLE.name}"
        some = ("--limit", str(count), "--with-stock", "90", "--report", "/tmp/report.csv")
        self._say(self.compose(*options, file, *some).strip().splitlines()[-1])

    def ended(self) -> int:
        """How many orders have ended, as the login for reports sees it."""
        query = (
            "SELECT count(*) FROM read_models.current_orders"
            " WHERE status IN ('completed', 'cancelled')"
        )
        login = "PGPASSWORD=$(cat /run/secrets/reports_password) psql -h 127.0.0.1 -U reports"
        command = f'{login} -d ordersaga -XtAc "{query}"'
        answer = self.compose("exec", "--no-TTY", "postgres", "sh", "-c", command, check=False)
        return int(answer.strip() or -1)

    def confined(self, service: str) -> list[str]:
        """What a container may do that it should not."""
        host = self.containers()[service]["HostConfig"]
        user = self.compose("exec", "--no-TTY", service, "id", "-u").strip()
        write = ("exec", "--no-TTY", service, "touch", "/etc/mine")
        tried = self._podman_fails(*write)
        found = {
            "runs as root": user == "0",
            "writes its file system": not tried,
            "is privileged": host["Privileged"],
            "has no limit of memory": not host["Memory"],
            "has no limit of processes": not host["PidsLimit"],
        }
        return [f"{service} {what}" for what, is_so in found.items() if is_so]

    def _podman_fails(self, *arguments: str) -> bool:
        try:
            self.compose(*arguments)
        except RuntimeError:
            return True
        return False

    def lasting(self) -> list[str]:
        """The services whose containers run."""
        found = self.containers().items()
        return sorted(name for name, each in found if each["State"]["Status"] == "running")

    def kill(self, service: str) -> None:
        """Kill the main process of a container, as the kernel would for want of memory."""
        self._podman.run("kill", "-KILL", str(self.containers()[service]["State"]["Pid"]))


def _is_well(container: dict[str, Any]) -> bool:
    state = container["State"]
    if container["HostConfig"]["RestartPolicy"]["Name"] == "on-failure":
        return state["Status"] == "exited" and state["ExitCode"] == 0
    health = (state.get("Health") or state.get("Healthcheck") or {}).get("Status")
    return state["Status"] == "running" and health == "healthy"


def main() -> int:
    """Make the images, run the file, place orders, kill every container once, verify."""
    folder = Path(tempfile.mkdtemp(prefix="ordersaga-containers-"))
    podman = Podman(folder)
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.0f} s  {line}\n")
        sys.stdout.flush()

    try:
        make_images(podman, folder)
        say("images are there")
        with podman.serving():
            rehearsal = Rehearsal(podman, folder, say)
            try:
                _course(rehearsal, say)
            finally:
                rehearsal.down()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _course(rehearsal: Rehearsal, say: Say, orders: int = 200) -> None:
    rehearsal.down()
    rehearsal.up()
    rehearsal.wait_until("everything healthy", rehearsal.all_healthy)
    services = rehearsal.lasting()
    say(f"{len(services)} containers are healthy: {', '.join(services)}")
    too_much = [what for service in services for what in rehearsal.confined(service)]
    if too_much:
        raise RuntimeError("; ".join(too_much))
    say(rehearsal.operator("doctor").strip())
    rehearsal.place_orders(orders)
    for service in services:
        rehearsal.kill(service)
        rehearsal.wait_until(f"{service} healthy again", rehearsal.all_healthy)
        say(f"{service} was killed and is healthy again; {rehearsal.ended()} orders have ended")
    rehearsal.wait_until("all orders ended", lambda: rehearsal.ended() == orders)
    say(f"all {orders} orders have ended")
    say(rehearsal.operator("verify").strip())


if __name__ == "__main__":
    sys.exit(main())
