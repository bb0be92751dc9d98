"""Fixtures for all tests; servers start only when a test asks for them."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores import postgres

_TESTS = Path(__file__).parent
_TEMPORARY = "PYTEST_DEBUG_TEMPROOT"


def _folder_of_this_run() -> Path | None:
    """A folder for the temporary files of this run alone; None: an outer run has made it.

    All runs of a user share pytest's own, and each closes it anew to others, such as the user of
    the servers of a run that is under way.
    """
    if _TEMPORARY in os.environ:
        return None
    os.environ[_TEMPORARY] = mkdtemp(prefix="ordersaga-tests-")
    return Path(os.environ[_TEMPORARY])


_FOLDER = _folder_of_this_run()


def pytest_sessionfinish(exitstatus: int) -> None:
    """Keep the temporary files only if a test has failed."""
    if _FOLDER is not None and exitstatus == 0:
        shutil.rmtree(_FOLDER, ignore_errors=True)


# Of the suite the same examples each time, so that it fails for a change and not by chance.
settings.register_profile(
    "suite",
    max_examples=50,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # it measures how busy the machine is
)
settings.register_profile(
    "deep", settings.get_profile("suite"), max_examples=2000, derandomize=False
)
settings.load_profile("suite")

_ON_SERVERS = ("postgres", "http", "stripe")  # of the kinds that the contract suites go through
_LONG_FIRST = ("acceptance", "workflow", "integration", "contract", "unit", "architecture")


@pytest.hookimpl(optionalhook=True)  # a run in one process needs no xdist
def pytest_xdist_auto_num_workers() -> int:
    """Twice as many processes as cores: tests wait for servers more than they compute."""
    return min(2 * (os.cpu_count() or 1), 8)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One process runs a file's tests, and one those of all files that share the running stack."""
    return _ByFile(config, log)


class _ByFile(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "stack" if _shares_the_stack(_TESTS.parent / file) else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no process works on alone at the end."""
    items.sort(key=lambda item: (not _shares_the_stack(item.path), _LONG_FIRST.index(_suite(item))))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs servers."""
    if _needs_servers(item):
        item.add_marker(pytest.mark.servers)


@cache
def _shares_the_stack(file: Path) -> bool:
    return "running_stack: Up" in file.read_text(encoding="utf-8")


def _suite(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]


def _needs_servers(item: pytest.Item) -> bool:
    if _suite(item) == "contract":
        served = isinstance(item, pytest.Function) and "postgres_server" in item.fixturenames
        return served or any(kind in item.name for kind in _ON_SERVERS)
    return _suite(item) not in ("unit", "architecture")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """One real PostgreSQL server for the whole run."""
    yield from postgres.run_server()


@pytest.fixture
async def empty_database(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of a database of its own without any tables."""
    async with postgres.fresh_database(postgres_server) as url:
        yield url
