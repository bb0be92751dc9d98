"""The network policies of the chart: nothing by default, and for each process what it uses."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.support.chart.network import allowed_ports, policies_of
from tests.support.chart.rendering import (
    Object,
    Rendering,
    component_of,
    facts,
    pod_of,
    renderings,
    selects,
    shipped,
)

pytestmark = pytest.mark.system  # it needs the environment that `make chart` makes

# What "everything" says about places, in the order of the chart's words for them.
PORTS = {
    "database": {6432},
    "temporal": {7233},
    "payments": {8443},
    "carrier": {9443},
    "webhook": {443},
    "oidc": {10443},
    "otlp": {4318},
}


def with_policies() -> list[Rendering]:
    return [each for each in renderings() if each.of("NetworkPolicy")]


def test_every_pod_is_denied_everything_but_what_one_policy_of_its_own_allows() -> None:
    assert len(with_policies()) > len(shipped())
    for rendering in with_policies():
        for workload in rendering.workloads():
            chosen = policies_of(rendering, pod_of(workload))
            denying = [each for each in chosen if "egress" not in each["spec"]]
            own = [each for each in chosen if "egress" in each["spec"]]
            assert len(denying) == len(own) == 1
            assert component_of(own[0]) == component_of(workload)
            for each in chosen:
                assert each["spec"]["policyTypes"] == ["Ingress", "Egress"]
            assert "ingress" not in denying[0]["spec"]


def test_no_policy_opens_a_port_to_nobody_in_particular_or_every_port_to_somebody() -> None:
    for rendering in with_policies():
        for policy in rendering.of("NetworkPolicy"):
            for rule in policy["spec"].get("ingress", ()):
                assert rule["from"]
                assert rule["ports"]
            for rule in policy["spec"].get("egress", ()):
                assert rule["ports"]


def test_each_process_may_connect_to_what_it_uses_at_the_ports_of_the_values() -> None:
    (everything,) = (each for each in shipped() if each.name == "everything")
    for workload in everything.workloads():
        component = component_of(workload)
        fact = facts()["processes"].get(component) or facts()[component]
        expected = set[int]().union(*(PORTS[use] for use in fact["uses"]))
        assert allowed_ports(everything, pod_of(workload)) == expected, component


def test_a_destination_that_is_named_is_the_only_one() -> None:
    (everything,) = (each for each in shipped() if each.name == "everything")
    named: Mapping[str, Sequence[Any]] = everything.values["networkPolicy"]["to"]
    for policy in everything.of("NetworkPolicy"):
        for rule in policy["spec"].get("egress", ())[1:]:
            (port,) = (each["port"] for each in rule["ports"])
            (use,) = (name for name, ports in PORTS.items() if port in ports)
            assert rule["to"] == named[use]


def test_names_are_looked_up_at_the_cluster_alone() -> None:
    for rendering in with_policies():
        for policy in rendering.of("NetworkPolicy"):
            for rule in policy["spec"].get("egress", ()):
                if any(port["port"] == 53 for port in rule["ports"]):
                    assert rule["to"]


def test_connections_are_taken_where_something_is_served_only() -> None:
    for rendering in with_policies():
        for workload in rendering.workloads():
            served = ingress_ports(rendering, workload)
            component = component_of(workload)
            if component == "api":
                assert "api" in served
            assert served <= ({"api", "metrics"} if component == "api" else {"metrics"})
            if component not in facts()["processes"]:
                assert served == set()


def ingress_ports(rendering: Rendering, workload: Object) -> set[str]:
    return {
        port["port"]
        for policy in policies_of(rendering, pod_of(workload))
        for rule in policy["spec"].get("ingress", ())
        for port in rule["ports"]
    }


def test_policies_are_made_for_all_or_not_at_all() -> None:
    for rendering in renderings():
        wanted = rendering.values.get("networkPolicy", {}).get("enabled", True)
        assert bool(rendering.of("NetworkPolicy")) == wanted
        for policy in rendering.of("NetworkPolicy"):
            pods = [pod_of(each) for each in rendering.workloads()]
            assert any(selects(policy["spec"]["podSelector"], pod) for pod in pods)
