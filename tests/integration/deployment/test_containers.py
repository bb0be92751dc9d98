"""The whole docker-compose.yml in containers, in short; `make containers` is the full form."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.containers.confinement import excesses
from tests.support.containers.images import BASE, make_base
from tests.support.containers.podman import Podman
from tests.support.containers.possible import why_none_starts, why_not
from tests.support.containers.rehearsal import Course, rehearse
from tests.support.repository.compose import services

pytestmark = [
    pytest.mark.system,  # it needs root and Debian's packages
    pytest.mark.timeout(1200),  # where there is no base image yet, it is made
]

SHORT = Course(
    orders=30, killed=("postgres", "worker-steps"), replaced=("worker-orders", "api"), pause_s=1
)
LOOSE = "ordersaga-test-loose"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Short enough a path for a socket, on a machine that can run containers."""
    if reason := why_not():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="ordersaga-containers-") as name:
        podman = Podman(Path(name))
        make_base(podman, Path(name), print)
        if reason := why_none_starts(podman):
            pytest.skip(reason)
        yield Path(name)


def test_the_whole_file_runs_takes_orders_outlives_what_is_killed_and_stops(folder: Path) -> None:
    result = rehearse("ordersaga-test", folder, SHORT, print)
    assert result.problems == []
    assert sum(result.figures["orders"].values()) == SHORT.orders
    assert result.figures["orders"]["completed"] > SHORT.orders // 2
    assert result.figures["backups"] >= 1


def test_a_container_that_may_do_more_than_its_service_is_found(folder: Path) -> None:
    podman = Podman(folder)
    podman("run", "--detach", "--replace", "--name", LOOSE, BASE, "sleep", "600")
    try:
        (container,) = podman.containers(f"name={LOOSE}")
        found = " ".join(excesses(container, services()["api"]))
    finally:
        podman("rm", "--force", "--time", "0", LOOSE)
    for excess in ("runs as root", "CapEff", "may gain", "writes", "memory", "processes:"):
        assert excess in found
    assert "processors:" in found
