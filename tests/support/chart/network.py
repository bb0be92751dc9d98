"""What the network policies of a rendering allow a pod."""

from tests.support.chart.rendering import Object, Rendering, selects

DNS = 53


def policies_of(rendering: Rendering, pod: Object) -> list[Object]:
    """The policies that hold for a pod."""
    return [
        policy
        for policy in rendering.of("NetworkPolicy")
        if selects(policy["spec"]["podSelector"], pod)
    ]


def allowed_ports(rendering: Rendering, pod: Object) -> set[int]:
    """The ports to which a pod may connect, besides the look-up of names."""
    return {
        port["port"]
        for policy in policies_of(rendering, pod)
        for rule in policy["spec"].get("egress", ())
        for port in rule["ports"]
        if port["port"] != DNS
    }
