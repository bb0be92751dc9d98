"""A URL that names several servers leads to one that answers, in time."""

from collections.abc import Callable, Iterator

import pytest

from eventstore.postgres.connection import connect
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.faults.proxy import HOST, Proxy
from tests.support.stores.postgres_server import free_port

LIMIT_S = 6.0
Form = Callable[[list[int]], str]

FORMS: dict[str, Form] = {
    "in place": lambda ports: ",".join(f"{HOST}:{port}" for port in ports) + "/postgres?",
    "in the query": lambda ports: (
        f"/postgres?host={','.join([HOST] * len(ports))}&port={','.join(map(str, ports))}&"
    ),
}


@pytest.fixture
def silent(postgres_server: EmbeddedPostgres) -> Iterator[Proxy]:
    with Proxy((HOST, postgres_server.port)) as proxy:
        proxy.hold()
        yield proxy


async def port_of(url: str) -> int:
    """The port, as the server sees it, of the host that a URL leads to."""
    connection = await connect(url, statement_s=LIMIT_S)
    port: int = await connection.fetchval("SELECT current_setting('port')::integer")
    await connection.close()
    return port


@pytest.mark.parametrize("form", FORMS)
async def test_a_silent_first_host_leaves_time_for_the_second(
    postgres_server: EmbeddedPostgres, silent: Proxy, form: str
) -> None:
    user = postgres_server.url().partition("@")[0]
    ports = [free_port(), silent.port, postgres_server.port]
    assert await port_of(f"{user}@{FORMS[form](ports)}") == postgres_server.port
    assert silent.accepted == 1


async def test_the_host_must_have_the_attributes_that_the_url_asks_for(
    postgres_server: EmbeddedPostgres, silent: Proxy
) -> None:
    user = postgres_server.url().partition("@")[0]
    hosts = FORMS["in place"]([silent.port, postgres_server.port])
    url = f"{user}@{hosts}target_session_attrs="
    assert await port_of(f"{url}read-write") == postgres_server.port
    with pytest.raises(Exception, match="None of the hosts match"):
        await port_of(f"{url}standby")


async def test_hosts_that_all_say_nothing_are_given_up_in_time(silent: Proxy) -> None:
    hosts = FORMS["in place"]([silent.port, silent.port])
    with pytest.raises(TimeoutError):
        await connect(f"postgresql://ann@{hosts}", statement_s=0.2)
    assert silent.accepted == 2
