"""docs/kubernetes.md: every command in it is taken by the program that it is meant for."""

import itertools
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ordersaga.embedded.postgres import HOST
from tests.support.chart.rendering import (
    CHART,
    Refused,
    Rendering,
    component_of,
    facts,
    program,
    render,
    shipped,
    values_for,
)
from tests.support.repository.command_line import commands
from tests.support.repository.compose import parse_yaml
from tests.support.repository.source_tree import ROOT, text_of

pytestmark = pytest.mark.system  # it needs the environment that `make chart` makes

PAGE = text_of(ROOT / "docs" / "kubernetes.md")
LINES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line
]
NOBODY = f"http://{HOST}:9"  # nothing listens there
DESTINATIONS = {
    "database": "database",
    "Temporal": "temporal",
    "collector": "otlp",
    "payment provider": "payments",
    "carrier": "carrier",
    "webhook": "webhook",
    "issuer": "oidc",
}


def of(name: str) -> Iterator[list[str]]:
    return (words for line in LINES if (words := shlex.split(line))[0] == name)


def helm_values(words: list[str]) -> dict[str, Any]:
    """The values of a Helm command: of its files and of `--set NAME=VALUE`."""
    values: dict[str, Any] = {}
    for option, given in itertools.pairwise(words):
        if option == "--values":
            values |= parse_yaml(text_of(ROOT / given))
        elif option == "--set":
            path, _, text = given.partition("=")
            *folders, last = path.split(".")
            place = values
            for folder in folders:
                place = place.setdefault(folder, {})
            place[last] = parse_yaml(text)
    return values


def test_the_page_has_commands_of_helm_and_kubectl_only() -> None:
    assert {shlex.split(line)[0] for line in LINES} == {"helm", "kubectl"}


def test_each_helm_command_is_for_the_chart_with_values_that_it_takes() -> None:
    asked = list(of("helm"))
    assert len(asked) > 3
    for words in asked:
        assert words[1] in ("install", "upgrade")
        assert words[2:4] == ["shop", CHART.relative_to(ROOT).as_posix()]
        options = {word for word in words if word.startswith("--")}
        assert options <= {"--namespace", "--values", "--set", "--wait"}
    made = render({str(number): helm_values(words) for number, words in enumerate(asked)})
    assert [str(each) for each in made.values() if isinstance(each, Refused)] == []


def test_kubectl_understands_each_of_its_commands(tmp_path: Path) -> None:
    for name in re.findall(r"--from-file=secrets/(\w+)", PAGE):
        (tmp_path / "secrets").mkdir(exist_ok=True)
        (tmp_path / "secrets" / name).write_text("x")
    for words in of("kubectl"):
        done = kubectl(words[1:], tmp_path)
        assert f"{HOST}:9" in done.stderr, f"{words}: {done.stderr}"


def test_kubectl_refuses_an_option_that_it_does_not_know(tmp_path: Path) -> None:
    done = kubectl(["get", "pods", "--selektor", "a=b"], tmp_path)
    assert f"{HOST}:9" not in done.stderr
    assert "unknown flag" in done.stderr


def kubectl(words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Without a cluster: what it understands it sends, and nobody answers."""
    return subprocess.run(
        [program("kubectl"), f"--server={NOBODY}", "--request-timeout=1s", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
        env={"KUBECONFIG": "/dev/null", "HOME": str(folder)},
    )


def test_the_secret_of_the_page_has_every_key_that_the_chart_looks_for() -> None:
    made = set(re.findall(r"--from-file=secrets/(\w+)", PAGE))
    wanted = parse_yaml(text_of(CHART / "values.yaml"))["secrets"].values()
    assert made == {each["key"] for each in wanted}


def test_the_logins_of_the_page_are_those_of_the_values() -> None:
    made = set(re.findall(r"CREATE ROLE (\w+) LOGIN", PAGE))
    assert made == set(parse_yaml(text_of(CHART / "values.yaml"))["database"]["logins"].values())


def everything() -> Rendering:
    made = render({"all": values_for(dict.fromkeys(DESTINATIONS.values(), 1))})["all"]
    assert isinstance(made, Rendering)
    return made


def test_what_the_page_names_is_there() -> None:
    named = set(re.findall(r"\b(job|deployment)/([\w-]+)", PAGE))
    there = {(e["kind"].lower(), e["metadata"]["name"]) for e in everything().workloads()}
    assert named <= there
    components = {component_of(each) for each in shipped()[-1].workloads()}
    assert set(facts()["processes"]) <= components
    for component in facts()["processes"]:
        assert f"`{component}`" in PAGE


def test_commands_for_the_toolbox_are_commands_of_ordersaga() -> None:
    run = [words[words.index("--") + 2 :] for words in of("kubectl") if "--" in words]
    assert len(run) >= 3
    for words in run:
        assert any(" ".join([*words, ""]).startswith(f"{known} ") for known in commands())


def test_the_table_of_connections_is_that_of_the_chart() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.split("## Network")[1], re.MULTILINE)[2:]
    told = {
        name.strip("` "): {DESTINATIONS[word] for word in to.split(", ")}
        for names, to in rows
        for name in names.split(", ")
    }
    everybody = {
        **facts()["processes"],
        "migration": facts()["migration"],
        "toolbox": facts()["toolbox"],
    }
    assert told == {name: set(fact["uses"]) for name, fact in everybody.items()}
