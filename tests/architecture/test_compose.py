"""docker-compose.yml: what Compose itself reads in it, with the example environment as it is."""

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from activities.messages import ALL_QUEUES
from ordersaga.bootstrap.settings import ENV_PREFIX, Settings
from tests.support.repository.command_line import commands
from tests.support.repository.compose import (
    COMPOSE_FILE,
    EXAMPLE,
    ours,
    parse_env,
    resolved,
    run_compose,
    services,
    written,
)
from tests.support.repository.source_tree import ROOT, files, text_of

ONE_SHOT = {"migrate", "temporal-schema", "temporal-namespace"}
SMALLEST = {
    *ONE_SHOT,
    "worker-orders",
    "worker-steps",
    "projections",
    "starter",
    "postgres",
    "temporal-postgres",
    "temporal",
}
WRITES_BESIDE_ITS_PROGRAM = {"temporal-ui"}
EXACT = re.compile(r"[\w./-]+:\d+\.\d+(\.\d+)?(-[\w.]+)*(@sha256:[0-9a-f]{64})?")
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
KNOWN = {ENV_PREFIX + field.upper() for field in Settings.model_fields} | {
    "ORDERSAGA_SECRETS_DIR",
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the secrets that the shipped program makes."""
    folder = tmp_path_factory.mktemp("secrets") / "made"
    subprocess.run([ROOT / "deploy" / "make-secrets.sh", str(folder)], check=True)
    return folder


def test_compose_reads_the_file_and_warns_of_nothing() -> None:
    assert run_compose("version", "--short").stdout.startswith("2.40.")
    assert set(services()) == set(written()["services"])


def test_compose_refuses_a_key_that_is_there_twice(tmp_path: Path) -> None:
    file = tmp_path / "twice.yml"
    file.write_text("services: {a: {image: x, environment: {A: 1, A: 2}}}")
    done = run_compose("config", file=file)
    assert 'mapping key "A" already defined' in done.stderr
    assert (done.returncode, done.stdout) == (1, "")


def test_each_variable_has_the_same_default_as_in_the_example() -> None:
    used = dict(VARIABLE.findall(text_of(COMPOSE_FILE)))
    example = parse_env(text_of(EXAMPLE))
    assert set(example.pop("COMPOSE_PROFILES").split(",")) <= profiles()
    assert used == example
    assert text_of(COMPOSE_FILE).count("${") == len(VARIABLE.findall(text_of(COMPOSE_FILE)))


def test_without_any_environment_it_loads_as_well(tmp_path: Path) -> None:
    empty = tmp_path / "empty.env"
    empty.touch()
    done = run_compose("--env-file", str(empty), "config", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


def test_every_image_has_an_exact_version() -> None:
    for name, service in services().items():
        assert EXACT.fullmatch(service["image"]), name
    dockerfile = text_of(ROOT / "deploy" / "Dockerfile")
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(.+)$", dockerfile, re.MULTILINE)
    assert EXACT.fullmatch(base)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


def test_an_image_may_be_named_by_its_digest() -> None:
    digest = f"postgres:18.6@sha256:{'0' * 64}"
    done = run_compose("config", "--images", env={"POSTGRES_IMAGE": digest})
    assert digest in done.stdout.split()


def test_a_small_start_stays_small() -> None:
    assert {n for n, s in services().items() if "profiles" not in s} == SMALLEST
    assert profiles() == {*("api", "backup", "notifications", "sandboxes", "scaled", "ui")}


def profiles() -> set[str]:
    return {name for service in services().values() for name in service.get("profiles", ())}


def test_every_process_of_a_deployment_is_there() -> None:
    run = [" ".join(service["command"]) for service in ours().values()]
    assert {f"worker {queue}" for queue in ALL_QUEUES} <= set(run)
    small = [s["command"] for s in ours().values() if "profiles" not in s]
    assert {queue for words in small if words[0] == "worker" for queue in words[1:]} == set(
        ALL_QUEUES
    )
    assert ["starter"] in small
    assert ["projections", "run"] in small


@pytest.mark.parametrize("name", sorted(written()["services"]))
def test_a_container_can_do_as_little_as_possible(name: str) -> None:
    service = services()[name]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("read_only", False) == (name not in WRITES_BESIDE_ITS_PROGRAM)
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert service["logging"]["options"]["max-size"]
    assert int(service["logging"]["options"]["max-file"]) > 1


@pytest.mark.parametrize("name", sorted(written()["services"]))
def test_a_lasting_service_has_a_health_check_time_to_end_and_is_restarted(name: str) -> None:
    service = services()[name]
    if name in ONE_SHOT:
        assert service["restart"] == "on-failure"
        return
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"]


def test_our_processes_are_asked_whether_they_are_ready() -> None:
    for name in set(ours()) - ONE_SHOT:
        assert "/readyz" in str(services()[name]["healthcheck"]["test"])


def test_ports_are_open_on_this_machine_only() -> None:
    published = {name: service.get("ports", []) for name, service in services().items()}
    assert {name for name, ports in published.items() if ports} == {
        *("api", "temporal", "temporal-ui")
    }
    for port in (port for ports in published.values() for port in ports):
        assert port["host_ip"] == "127.0.0.1"


def test_what_publishes_a_port_listens_on_all_addresses_of_its_container() -> None:
    published = [service for service in ours().values() if service.get("ports")]
    assert published
    for service in published:
        assert service["environment"]["ORDERSAGA_BIND_HOST"] == "0.0.0.0"  # noqa: S104  its own


def test_secrets_are_files_and_stand_in_no_environment() -> None:
    for name, service in services().items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|SECRET|KEY|PWD", variable):
                assert value.startswith("/run/secrets"), f"{name}: {variable}"
            assert not re.search(r"://[^/@]*:[^/@]*@", value or ""), f"{name}: {variable}"


@pytest.mark.parametrize("name", sorted(ours()))
def test_a_service_sets_only_settings_that_exist(name: str) -> None:
    targets = {secret["target"].upper() for secret in ours()[name]["secrets"]}
    assert set(ours()[name]["environment"]) | targets <= KNOWN


@pytest.mark.parametrize("name", sorted(ours()))
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    command = " ".join(ours()[name]["command"])
    assert any(f"{command} ".startswith(f"{words} ") for words in commands())


def test_every_secret_is_used_and_made_by_the_shipped_program(secrets: Path) -> None:
    used = {s["source"] for service in services().values() for s in service.get("secrets", ())}
    assert used == set(resolved()["secrets"]) == {file.name for file in secrets.iterdir()}


def test_secrets_are_random_kept_and_in_a_closed_folder(secrets: Path) -> None:
    before = {file.name: file.read_bytes() for file in secrets.iterdir()}
    filled = [content for content in before.values() if content]
    assert len(filled) == len(set(filled)) == len(before) - 4
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    (secrets / "master_key").unlink()
    subprocess.run([ROOT / "deploy" / "make-secrets.sh", str(secrets)], check=True)
    after = {file.name: file.read_bytes() for file in secrets.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"master_key"}


@pytest.mark.parametrize("script", sorted(files(".sh", under="deploy")), ids=lambda p: p.name)
def test_a_script_is_a_program_and_its_shell_understands_it(script: Path) -> None:
    # An executable one runs by itself; others would be read into the shell of the image's start.
    assert os.access(script, os.X_OK)
    subprocess.run(["/bin/sh", "-n", str(script)], check=True)


def test_files_that_are_mounted_exist() -> None:
    for mount in all_mounts():
        if mount["type"] == "bind":
            assert Path(mount["source"]).exists(), mount
            assert mount["read_only"]


def all_mounts() -> list[dict[str, Any]]:
    return [mount for service in services().values() for mount in service.get("volumes", ())]


def test_volumes_are_declared_and_used() -> None:
    named = {mount["source"] for mount in all_mounts() if mount["type"] == "volume"}
    assert named == set(resolved()["volumes"])


def test_waiting_is_for_services_that_exist_and_are_always_there() -> None:
    for service in services().values():
        for name, wait in service.get("depends_on", {}).items():
            finished = wait["condition"] == "service_completed_successfully"
            assert finished == (name in ONE_SHOT), name
            assert name in SMALLEST
