"""The simulation agrees with what is known of queues, and sees one that grows."""

import pytest

from benchmarks.queueing import Station, simulate

ORDERS = 20_000


@pytest.mark.parametrize("busy", [0.3, 0.6, 0.8])
def test_one_server_takes_as_long_as_the_formula_says(busy: float) -> None:
    """The median of the time in an M/M/1 queue is ln 2 / (mu - lambda): Kleinrock, vol. 1, 3.2."""
    found = simulate([Station("one", 1, 0.01)], ["one"], busy / 0.01, ORDERS)
    assert found.p50_s == pytest.approx(0.6931 / (100 - 100 * busy), rel=0.1)
    assert found.p99_s == pytest.approx(4.605 / (100 - 100 * busy), rel=0.25)
    assert found.busy["one"] == pytest.approx(busy, rel=0.05)
    assert found.is_steady


def test_stations_one_after_the_other_add_up() -> None:
    """Arrivals at each station of such a network are independent: Burke's theorem."""
    stations = [Station("first", 2, 0.01), Station("second", 1, 0.004)]
    alone = [simulate([each], [each.name], 100, ORDERS) for each in stations]
    both = simulate(stations, ["first", "second"], 100, ORDERS)
    assert (both.first_s + both.last_s) / 2 == pytest.approx(
        sum((each.first_s + each.last_s) / 2 for each in alone), rel=0.1
    )


def test_several_visits_share_the_time() -> None:
    stations = [Station("worker", 4, 0.02), Station("database", 2, 0.005)]
    found = simulate(stations, ["worker", "database"] * 4, 100, ORDERS)
    assert found.busy["worker"] == pytest.approx(0.5, rel=0.05)
    assert found.busy["database"] == pytest.approx(0.25, rel=0.05)


def test_a_station_with_more_work_than_servers_is_seen() -> None:
    too_much = simulate([Station("one", 1, 0.01)], ["one"], 110, ORDERS)
    assert not too_much.is_steady
    assert too_much.busy["one"] == pytest.approx(1, rel=0.01)


def test_the_same_seed_gives_the_same_figures() -> None:
    station = [Station("one", 1, 0.01)]
    assert simulate(station, ["one"], 50, 1000) == simulate(station, ["one"], 50, 1000)
    assert simulate(station, ["one"], 50, 1000) != simulate(station, ["one"], 50, 1000, seed=2)
