"""Fixtures for all tests; servers start only when a test asks for them."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores import postgres

_TESTS = Path(__file__).parent

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


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many processes as cores: tests wait for servers more than they compute."""
    return min(2 * (os.cpu_count() or 1), 8)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs servers, and lay out the run of several processes.

    A file's tests stay in one process, as do all that share the running stack. What takes long
    comes first, so that no process works on alone at the end.
    """
    items.sort(key=lambda item: (not _shares_the_stack(item), _LONG_FIRST.index(_suite(item))))
    for item in items:
        if _needs_servers(item):
            item.add_marker(pytest.mark.servers)
        group = "stack" if _shares_the_stack(item) else item.path.relative_to(_TESTS).as_posix()
        item.add_marker(pytest.mark.xdist_group(group))


def _suite(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]


def _needs_servers(item: pytest.Item) -> bool:
    if _suite(item) == "contract":
        return any(kind in item.name for kind in _ON_SERVERS) or _uses(item, "postgres_server")
    return _suite(item) not in ("unit", "architecture")


def _shares_the_stack(item: pytest.Item) -> bool:
    return _uses(item, "running_stack")


def _uses(item: pytest.Item, fixture: str) -> bool:
    return isinstance(item, pytest.Function) and fixture in item.fixturenames


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """One real PostgreSQL server for the whole run."""
    yield from postgres.run_server()


@pytest.fixture
async def empty_database(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of a database of its own without any tables."""
    async with postgres.fresh_database(postgres_server) as url:
        yield url
