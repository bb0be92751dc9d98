"""What the processes of a test's Temporal cluster are told, and where it finds its ports again."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests.support.cluster import switch
from tests.support.cluster.layout import INSIDE, SERVICES, Layout, destroy
from tests.support.cluster.programs import VERSION, folder_of
from tests.support.repository.compose import written

_FRONTEND, _HTTP = 20_001, 20_002


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.of(tmp_path, _FRONTEND, _HTTP, ports())


def ports() -> Iterator[int]:
    return count(INSIDE.start)


def test_every_process_has_ports_of_its_own(layout: Layout) -> None:
    found = [*layout.grpc.values(), *layout.membership.values(), layout.postgres, layout.http]
    assert len(set(found)) == len(found) == 2 * len(SERVICES) + 2
    assert max(found) < 1 << 15  # a member writes its port into a smallint
    assert layout.address == f"127.0.0.1:{_FRONTEND}"


def test_a_folder_keeps_the_ports_that_no_client_knows(layout: Layout) -> None:
    assert Layout.found(layout.folder) == layout
    later = Layout.of(layout.folder, 20_003, 20_004, count(1))
    assert later == replace(layout, http=20_004, grpc={**layout.grpc, "frontend": 20_003})
    assert Layout.found(layout.folder) == later


@pytest.mark.parametrize("name", SERVICES)
def test_a_process_is_told_its_own_ports_and_those_of_the_others(layout: Layout, name: str) -> None:
    layout.write_configuration()
    told = json.loads(layout.file(name).read_text())
    assert told["services"].keys() == set(SERVICES.values())
    rpc = told["services"][SERVICES[name]]["rpc"]
    assert rpc["grpcPort"] == layout.grpc[name]
    assert rpc["membershipPort"] == layout.membership[name]
    assert ("httpPort" in rpc) == (name == "frontend")
    assert layout.command(name)[-1] == SERVICES[name]


def test_the_dynamic_settings_are_those_of_the_containers(layout: Layout) -> None:
    named = layout.configuration("frontend")["dynamicConfigClient"]["filepath"]
    assert Path(named).name == "dynamicconfig.yaml"
    assert Path(named).parent.name == "temporal"
    assert Path(named).exists()


def test_the_version_is_that_of_the_containers() -> None:
    for service in ("temporal", "temporal-schema", "temporal-namespace"):
        assert written()["services"][service]["image"].endswith(f":{VERSION}}}")


def test_a_cluster_is_destroyed_with_its_database(layout: Layout) -> None:
    (layout.folder / "pgdata").mkdir()
    (layout.folder / "pgdata" / "PG_VERSION").write_text("18\n")
    assert destroy(layout.folder) == 3
    assert not layout.folder.exists()


def test_the_switch_is_off_unless_it_says_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(switch.VARIABLE, raising=False)
    assert not switch.is_chosen()
    assert switch.command_line({"A": "1"}) == ("ordersaga", {"A": "1"})
    monkeypatch.setenv(switch.VARIABLE, "cluster")
    assert switch.is_chosen()
    assert switch.chosen_version() == VERSION
    monkeypatch.setenv(switch.VARIABLE, "cluster:0.0.1")
    module, env = switch.command_line({"A": "1"})
    assert module == "tests.support.cluster.up"
    assert (env["A"], env[switch.VARIABLE]) == ("1", "cluster:0.0.1")
    assert not folder_of("0.0.1").exists()
    with pytest.raises(FileNotFoundError, match="make temporal-programs"):
        switch.obey()
