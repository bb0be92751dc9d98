"""The Helm chart's own lists against the program: settings, commands, logins, task queues."""

import json
import re

import pytest
from jsonschema import Draft202012Validator

from activities.messages import ALL_QUEUES
from ordersaga.bootstrap.settings import Settings
from tests.support.chart.rendering import CHART, SETS, facts, values_of
from tests.support.chart.settings_schema import (
    BY_THE_CHART,
    NOT_IN_A_POD,
    SCHEMA_FILE,
    settings_schema,
)
from tests.support.repository.command_line import commands
from tests.support.repository.compose import parse_yaml
from tests.support.repository.source_tree import project, text_of

ROLE_OF = {"worker": "appender", "starter": "appender", "api": "api"}
PROVIDERS = {"payments": "worker-payments", "carrier": "worker-shipping"}


def test_the_schema_names_every_further_setting_as_the_program_checks_it() -> None:
    written = json.loads(text_of(SCHEMA_FILE))["properties"]["settings"]
    assert written == settings_schema(), "run `make docs`"
    assert {*BY_THE_CHART, *NOT_IN_A_POD, *written["properties"]} == set(Settings.model_fields)
    assert not {*BY_THE_CHART, *NOT_IN_A_POD} & set(written["properties"])


def test_the_schema_knows_every_value_that_has_a_default_and_no_other() -> None:
    schema = json.loads(text_of(SCHEMA_FILE))
    Draft202012Validator.check_schema(schema)
    values = parse_yaml(text_of(CHART / "values.yaml"))
    assert set(values) == set(schema["properties"]) - {"global"}
    for name in ("image", "database", "temporal", "secrets", "processes", "networkPolicy"):
        assert set(values[name]) == set(schema["properties"][name]["properties"]), name
    assert set(values["defaults"]) == set(schema["$defs"]["process"]["properties"])
    assert set(values["processes"]) == set(facts()["processes"])
    assert set(values["secrets"]) == set(facts()["files"])


def test_each_process_runs_a_command_that_exists_with_a_login_of_its_role() -> None:
    for name, fact in facts()["processes"].items():
        command = " ".join(fact["command"])
        assert any(f"{command} ".startswith(f"{words} ") for words in commands()), name
        assert fact["login"] == ROLE_OF.get(fact["command"][0], "projector"), name
    assert facts()["migration"]["command"] == ["migrate"]
    assert facts()["migration"]["login"] == facts()["toolbox"]["login"] == "owner"


def test_each_task_queue_has_a_worker_whose_backlog_is_that_of_its_queue() -> None:
    workers = [each for each in facts()["processes"].values() if each["command"][0] == "worker"]
    assert [each["queue"] for each in workers] == list(ALL_QUEUES)
    assert all(each["command"] == ["worker", each["queue"]] for each in workers)


def test_a_key_of_a_provider_is_given_to_nobody_who_does_not_call_it() -> None:
    everybody = {**facts()["processes"], "toolbox": facts()["toolbox"]}
    for use, worker in PROVIDERS.items():
        assert {name for name, fact in everybody.items() if use in fact["uses"]} == {
            worker,
            "toolbox",
        }
    with_key = {name for name, fact in everybody.items() if "stripeApiKey" in fact["secrets"]}
    assert with_key == {"worker-payments", "toolbox"}
    assert [n for n, f in everybody.items() if "webhookSecret" in f["secrets"]] == ["notifications"]
    assert [n for n, f in everybody.items() if "oidcClientSecret" in f["secrets"]] == ["api"]
    assert facts()["migration"]["secrets"] == []


def test_a_secret_is_a_file_of_a_setting_under_the_name_that_the_shipped_program_gives_it() -> None:
    assert {file.removeprefix("ordersaga_") for file in facts()["files"].values()} <= set(
        Settings.model_fields
    )
    made = text_of(CHART.parents[1] / "make-secrets.sh")
    for secret in parse_yaml(text_of(CHART / "values.yaml"))["secrets"].values():
        assert re.search(rf"\b{secret['key']}\b", made), secret


def test_the_chart_has_the_version_of_the_program() -> None:
    chart = parse_yaml(text_of(CHART / "Chart.yaml"))
    assert chart["appVersion"] == project()["project"]["version"]


@pytest.mark.parametrize("name", SETS)
def test_the_schema_takes_the_shipped_values(name: str) -> None:
    schema = json.loads(text_of(SCHEMA_FILE))
    assert [e.message for e in Draft202012Validator(schema).iter_errors(values_of(name))] == []
