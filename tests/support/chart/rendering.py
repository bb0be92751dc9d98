"""The Helm chart as data: its values, and what Helm makes of them."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Final

import yaml

from tests.support.repository.compose import StrictLoader, parse_yaml
from tests.support.repository.source_tree import ROOT, text_of

CHART: Final = ROOT / "deploy" / "helm" / "ordersaga"
ENVIRONMENT: Final = ROOT / ".venv-chart"
SETS: Final = ("smallest", "production", "everything")
RELEASE: Final = "shop"
LOOPBACK: Final = "127.0.0.1"
DESTINATIONS: Final = ("database", "temporal", "payments", "carrier", "webhook", "oidc", "otlp")

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Rendering:
    """What Helm makes of one set of values."""

    name: str
    values: Mapping[str, Any]
    objects: Sequence[Object]
    notes: str

    def of(self, *kinds: str) -> list[Object]:
        """Its objects of some kinds."""
        return [each for each in self.objects if each["kind"] in kinds]

    def workloads(self) -> list[Object]:
        """Everything that makes pods."""
        return self.of("Deployment", "Job")

    def text(self) -> str:
        """The objects as one stream of documents."""
        return yaml.safe_dump_all(self.objects)


class Refused(Exception):
    """Helm does not take the values; the text says why."""


def program(name: str) -> str:
    """A program of the environment that `make chart` makes."""
    path = ENVIRONMENT / "bin" / name
    assert path.exists(), "run `make chart`, which installs what validates the chart"
    return str(path)


def facts() -> dict[str, Any]:
    """What each process runs and connects to, by the chart."""
    loaded = parse_yaml(text_of(CHART / "processes.yaml"))
    assert isinstance(loaded, dict)
    return loaded


def values_of(name: str) -> dict[str, Any]:
    """One of the shipped sets of values."""
    loaded = parse_yaml(text_of(CHART.parent / "values" / f"{name}.yaml"))
    assert isinstance(loaded, dict)
    return loaded


def values_for(ports: Mapping[str, int]) -> dict[str, Any]:
    """Values of a release whose servers are all on this machine."""
    everywhere = {name: {"enabled": True} for name in facts()["processes"]}
    return {
        "database": {"hosts": [f"{LOOPBACK}:{ports['database']}"], "sslMode": "prefer"},
        "temporal": {"address": f"{LOOPBACK}:{ports['temporal']}"},
        "payments": {"provider": "sandbox", "url": f"http://{LOOPBACK}:{ports['payments']}"},
        "carrier": {"url": f"http://{LOOPBACK}:{ports['carrier']}"},
        "webhook": {"url": f"http://{LOOPBACK}:{ports['webhook']}/hooks"},
        "oidc": {
            "issuer": f"http://{LOOPBACK}:{ports['oidc']}/realm",
            "audience": "orders-api",
            "roles": {"shop-operators": "operator"},
        },
        "otlp": {"endpoint": f"http://{LOOPBACK}:{ports['otlp']}"},
        "processes": everywhere,
        "toolbox": {"enabled": True},
    }


def ask_helm(what: str, values: Sequence[Mapping[str, Any]], release: str = RELEASE) -> Any:
    """Run `scripts/chart.py`; one process for all, as Helm takes long to load."""
    done = subprocess.run(
        [program("python"), str(ROOT / "scripts" / "chart.py"), what, release],
        input=json.dumps(list(values)),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def render(
    named: Mapping[str, Mapping[str, Any]], release: str = RELEASE
) -> dict[str, Rendering | Refused]:
    """Render several sets of values."""
    answers = ask_helm("render", list(named.values()), release)
    return {
        name: Refused(answer) if isinstance(answer, str) else _rendering(name, values, answer)
        for (name, values), answer in zip(named.items(), answers, strict=True)
    }


def rendered(named: Mapping[str, Mapping[str, Any]], release: str = RELEASE) -> list[Rendering]:
    """Render several sets of values that all must be taken."""
    made = render(named, release)
    refused = {name: str(each) for name, each in made.items() if isinstance(each, Refused)}
    assert not refused
    return [each for each in made.values() if isinstance(each, Rendering)]


@cache
def shipped() -> Sequence[Rendering]:
    """The renderings of the three shipped sets of values."""
    return rendered({name: values_of(name) for name in SETS})


@cache
def renderings() -> Sequence[Rendering]:
    """The shipped ones, and many whose values are mixed of them and of what may be switched."""
    return [*shipped(), *rendered(dict(_mixed(Random(18), 24)))]


def _mixed(random: Random, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Values that are taken from the shipped sets part by part, with switches thrown."""
    sets = [values_of(name) for name in SETS]
    parts = sorted(set().union(*sets))
    for number in range(count):
        values = {
            part: random.choice(having)[part]
            for part in parts
            if (having := [each for each in sets if part in each])
        }
        values["image"] = random.choice([values["image"], {"tag": "0.1.0-rc.1"}, {}])
        values["networkPolicy"] = {**values["networkPolicy"], "enabled": random.random() < 0.8}
        values["metrics"] = {"enabled": random.random() < 0.5}
        values["toolbox"] = {"enabled": random.random() < 0.5}
        values["processes"] = {
            name: {"enabled": random.random() < 0.7} for name in facts()["processes"]
        }
        values["settings"] = {"drain_timeout_s": random.choice([0.5, 11, 30.5, 600])}
        yield f"mixed {number}", values


def _rendering(name: str, values: Mapping[str, Any], templates: Mapping[str, str]) -> Rendering:
    objects = [
        each
        for path, text in templates.items()
        if path.endswith(".yaml")
        for each in yaml.load_all(text, StrictLoader)
        if each is not None
    ]
    (notes,) = (text for path, text in templates.items() if path.endswith("NOTES.txt"))
    return Rendering(name, values, objects, notes)


def pod_of(workload: Object) -> Object:
    """The template of the pods that something makes."""
    return dict(workload["spec"]["template"])


def container_of(workload: Object) -> dict[str, Any]:
    """Its one container."""
    spec = pod_of(workload)["spec"]
    assert "initContainers" not in spec
    (container,) = spec["containers"]
    return dict(container)


def component_of(thing: Object) -> str:
    """Which part of the release it belongs to."""
    return str(thing["metadata"]["labels"]["app.kubernetes.io/component"])


def selects(selector: Object, pod: Object) -> bool:
    """Whether a selector by labels takes a pod."""
    assert set(selector) <= {"matchLabels"}
    return set(selector.get("matchLabels", {}).items()) <= set(pod["metadata"]["labels"].items())


def environment_of(workload: Object) -> dict[str, str]:
    """The variables of a container; each stands there as it is."""
    variables = container_of(workload)["env"]
    assert all(set(each) == {"name", "value"} for each in variables)
    named = {each["name"]: each["value"] for each in variables}
    assert len(named) == len(variables), "a variable twice"
    return named


def secret_files(workload: Object, mount: str) -> dict[str, tuple[str, str]]:
    """The files that are mounted at a place: each one's Secret and key."""
    container, volumes = container_of(workload), pod_of(workload)["spec"]["volumes"]
    names = [each["name"] for each in container["volumeMounts"] if each["mountPath"] == mount]
    return {
        item["path"]: (source["secret"]["name"], item["key"])
        for volume in volumes
        if volume["name"] in names
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }
