"""The chart before Helm's, Kubernetes' and checkov's own eyes, and values that it must refuse."""

import copy
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.support.chart.rendering import (
    SETS,
    Refused,
    Rendering,
    ask_helm,
    program,
    render,
    shipped,
    values_of,
)
from tests.support.repository.source_tree import text_of

pytestmark = [
    pytest.mark.system,  # it needs the environment that `make chart` makes
    pytest.mark.timeout(900),  # checkov takes half a minute of processor time
]

KEDA = Path(__file__).parents[2] / "support" / "chart" / "keda.schema.json"


def of(name: str) -> Rendering:
    (found,) = (each for each in shipped() if each.name == name)
    return found


def known_to_kubernetes(rendering: Rendering) -> str:
    """All but KEDA's objects, of which the validator has no schema."""
    return yaml.safe_dump_all(e for e in rendering.objects if e["kind"] != "ScaledObject")


def test_helm_finds_nothing_to_say() -> None:
    for answer in ask_helm("lint", [values_of(name) for name in SETS]):
        complaints = [m for m in answer["messages"] if m["severity"] > 1]
        assert (complaints, answer["errors"]) == ([], [])


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("version", ["1.30.0", "1.37.0"])
def test_kubernetes_knows_every_field(name: str, version: str, tmp_path: Path) -> None:
    done = kubernetes_validate(known_to_kubernetes(of(name)), version, tmp_path)
    assert (done.returncode, "WARN" in done.stdout + done.stderr) == (0, False), done.stdout


def test_the_validator_refuses_a_field_that_is_not_one(tmp_path: Path) -> None:
    wrong = known_to_kubernetes(of("smallest")).replace("maxUnavailable:", "maxUnavailble:")
    assert kubernetes_validate(wrong, "1.37.0", tmp_path).returncode != 0


def kubernetes_validate(
    text: str, version: str, folder: Path
) -> "subprocess.CompletedProcess[str]":
    file = folder / "objects.yaml"
    file.write_text(text)
    command = [program("kubernetes-validate"), "--strict", "-k", version, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)


def test_kedas_objects_are_what_keda_takes() -> None:
    validator = Draft202012Validator(json.loads(text_of(KEDA)))
    scalers = of("everything").of("ScaledObject")
    assert len(scalers) == 4
    for scaler in scalers:
        assert [error.message for error in validator.iter_errors(scaler)] == []
        wrong = copy.deepcopy(dict(scaler))
        wrong["spec"]["triggers"][1]["metadata"]["targetQueueSize"] = 50  # a number is refused
        assert not validator.is_valid(wrong)


@pytest.mark.parametrize("name", SETS)
def test_checkov_fails_no_check(name: str, tmp_path: Path) -> None:
    report = checkov(of(name).text(), tmp_path)
    assert [check["check_id"] for check in report["results"]["failed_checks"]] == []
    assert report["summary"]["passed"] > 300
    assert report["summary"]["parsing_errors"] == 0


def test_checkov_finds_what_is_weakened(tmp_path: Path) -> None:
    weak = of("smallest").text().replace("readOnlyRootFilesystem: true", "privileged: true")
    failed = {check["check_id"] for check in checkov(weak, tmp_path)["results"]["failed_checks"]}
    assert {"CKV_K8S_16", "CKV_K8S_22"} <= failed


def checkov(text: str, folder: Path) -> dict[str, Any]:
    """Its report; it asks no server. All sets at once would take minutes."""
    file = folder / "objects.yaml"
    file.write_text(text)
    command = [program("checkov"), "--file", str(file), "--framework", "kubernetes"]
    done = subprocess.run(
        [*command, "--skip-download", "--compact", "--quiet", "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return dict(json.loads(done.stdout))


WRONG: Mapping[str, tuple[Any, str]] = {
    "image.tag": ("latest", "/image/tag"),
    "image.digest": ("sha256:12", "/image/digest"),
    "image.repository": ("ordersaga:0.1.0", "/image/repository"),
    "database.hosts": (["postgres"], "/database/hosts/0"),
    "database.sslMode": ("verify-full", "database.caSecret: needed"),
    "database.logins": ({"appender": "a b"}, "/database/logins/appender"),
    "temporal.address": ("http://temporal:7233", "/temporal/address"),
    "payments.url": ("", "payments.url: needed"),
    "payments.provider": ("paypal", "'stripe', 'sandbox'"),
    "carrier.url": ("http://ann:secret@carrier", "/carrier/url"),
    "webhook.url": ("ftp://shop.example", "/webhook/url"),
    "oidc.roles": ({"shop": "king"}, "/oidc/roles/shop"),
    "otlp.endpoint": ("http://collector:70000", "otlp: there is no port 70000"),
    "settings": ({"log_levl": "info"}, "'log_levl' not allowed"),
    "settings.log_level": ("loud", "'debug', 'info', 'warning', 'error'"),
    "settings.database_pool_size": (0, "minimum: got 0, want 1"),
    "settings.master_key": ("MDEy", "'master_key' not allowed"),
    "settings.worker_versioning": ("pinned", "settings.build_id: needed"),
    "secrets.owner": ("hunter2", "/secrets/owner"),
    "secrets.unknown": ({"name": "a", "key": "b"}, "'unknown' not allowed"),
    "processes.worker": ({}, "'worker' not allowed"),
    "processes.api": ({"replicas": 0}, "minimum: got 0, want 1"),
    "processes.starter": ({"maxUnavailable": 0}, "/processes/starter/maxUnavailable"),
    "processes.projections": (
        {"autoscaling": {"enabled": True, "minReplicas": 4, "maxReplicas": 3}},
        "processes.projections.autoscaling: maxReplicas is less than minReplicas",
    ),
    "defaults.resources": ({"limits": {"memory": "512"}}, "/defaults/resources/limits/memory"),
    "networkPolicy.dns": ([], "/networkPolicy/dns"),
    "networkPolicy.to": ({"database": ["10.0.0.0/8"]}, "/networkPolicy/to/database/0"),
    "replicas": (3, "'replicas' not allowed"),
}


def changed(path: str, value: Any) -> dict[str, Any]:
    values = copy.deepcopy(values_of("smallest"))
    *folders, last = path.split(".")
    place = values
    for folder in folders:
        place = place.setdefault(folder, {})
    place[last] = value
    return values


def test_wrong_values_are_refused_with_their_place_and_what_is_wrong() -> None:
    made = render({path: changed(path, value) for path, (value, _) in WRONG.items()})
    taken = [path for path, each in made.items() if not isinstance(each, Refused)]
    assert taken == []
    unclear = {p: e for p, e in made.items() if WRONG[p][1] not in str(e)}
    assert unclear == {}


def test_a_refusal_shows_no_secret_that_was_put_where_its_reference_belongs() -> None:
    made = render({"secret": changed("secrets.owner", "hunter2")})
    assert "hunter2" not in str(made["secret"])


def test_nothing_can_be_installed_without_saying_where_its_servers_are() -> None:
    refusal = str(render({"empty": {}})["empty"])
    for place in ("/database/hosts", "/temporal/address", "/carrier/url"):
        assert place in refusal
