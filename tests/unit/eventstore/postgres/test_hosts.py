"""A URL with several hosts is several URLs with one host each."""

import pytest

from eventstore.postgres.hosts import urls_of_hosts

SEVERAL = {
    "postgresql://ann:pw@one:1,two:2/shop?sslmode=require": [
        "postgresql://ann:pw@one:1/shop?sslmode=require",
        "postgresql://ann:pw@two:2/shop?sslmode=require",
    ],
    "postgresql://one,[::1]:2/shop": ["postgresql://one/shop", "postgresql://[::1]:2/shop"],
    "postgresql://ann@/shop?host=one,two&port=1,2": [
        "postgresql://ann@/shop?host=one&port=1",
        "postgresql://ann@/shop?host=two&port=2",
    ],
    "postgresql://ann@/shop?host=one,two&port=1&target_session_attrs=read-write": [
        "postgresql://ann@/shop?host=one&port=1&target_session_attrs=read-write",
        "postgresql://ann@/shop?host=two&port=1&target_session_attrs=read-write",
    ],
}


@pytest.mark.parametrize("url", SEVERAL)
def test_each_host_of_a_url_gets_a_url_with_all_else(url: str) -> None:
    assert urls_of_hosts(url) == SEVERAL[url]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:pw@one:1/shop",
        "postgresql:///shop",
        "postgresql://ann@/shop?host=/run/postgresql",
        "postgresql://ann@/shop?host=one,two&port=1,2,3",
    ],
)
def test_a_url_of_one_host_or_of_ports_that_do_not_fit_stays_as_it_is(url: str) -> None:
    assert urls_of_hosts(url) == [url]
