"""What the Helm chart renders, whatever its values: one property each, of every rendering."""

import math
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from ordersaga.bootstrap.settings import (
    BEYOND_DRAINING_S,
    ENV_PREFIX,
    SECRETS_DIR_VARIABLE,
    Settings,
)
from tests.support.chart.rendering import (
    Object,
    Rendering,
    component_of,
    container_of,
    environment_of,
    facts,
    pod_of,
    rendered,
    renderings,
    secret_files,
    selects,
    values_of,
)

pytestmark = pytest.mark.system  # it needs the environment that `make chart` makes

SECRETS = "/run/secrets/ordersaga"
EXACT = re.compile(r"[\w./:-]+(:\d+\.\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})")
KNOWN = {ENV_PREFIX + name.upper() for name in Settings.model_fields} | {SECRETS_DIR_VARIABLE}
OF_TEMPORAL = {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_CONFIG_FILE"} | {
    f"TEMPORAL_TLS{end}"
    for end in ("", "_SERVER_NAME", "_SERVER_CA_CERT_PATH", "_CLIENT_CERT_PATH", "_CLIENT_KEY_PATH")
}
LONGEST_NAME = 63


def workloads() -> Iterator[tuple[Rendering, Object]]:
    for rendering in renderings():
        for workload in rendering.workloads():
            yield rendering, workload


def lasting() -> Iterator[tuple[Rendering, Object]]:
    """The processes of the product."""
    for rendering, workload in workloads():
        if component_of(workload) in facts()["processes"]:
            yield rendering, workload


def test_every_container_is_read_only_unprivileged_and_limited() -> None:
    for _, workload in workloads():
        container = container_of(workload)
        assert container["securityContext"] == {
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        for amounts in ("requests", "limits"):
            assert set(container["resources"][amounts]) == {"cpu", "memory"}
        assert all(m["readOnly"] for m in container["volumeMounts"] if m["mountPath"] != "/tmp")


def test_every_pod_is_of_a_user_of_its_own_confined_and_without_a_token() -> None:
    for rendering, workload in workloads():
        spec = pod_of(workload)["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["serviceAccountName"] in {
            account["metadata"]["name"] for account in rendering.of("ServiceAccount")
        }
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert {next(iter(v.keys() - {"name"})) for v in spec["volumes"]} == {
            "emptyDir",
            "projected",
        }
    for rendering in renderings():
        assert all(not a["automountServiceAccountToken"] for a in rendering.of("ServiceAccount"))


def test_no_variable_that_kubernetes_makes_for_a_service_becomes_a_setting() -> None:
    # A Service "ordersaga-api" would set ORDERSAGA_API_PORT to tcp://…
    assert all(pod_of(w)["spec"]["enableServiceLinks"] is False for _, w in workloads())


def test_live_is_not_ready() -> None:
    for _, workload in lasting():
        container = container_of(workload)
        assert container["startupProbe"]["httpGet"]["path"] == "/livez"
        assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
        environment = environment_of(workload)
        for name, port in ports.items():
            assert environment[f"ORDERSAGA_{name.upper()}_PORT"] == port


def test_every_container_that_lasts_has_probes() -> None:
    for rendering in renderings():
        for workload in rendering.of("Deployment"):
            assert {"livenessProbe", "readinessProbe"} <= set(container_of(workload))


def test_no_secret_is_in_a_variable_or_in_an_object() -> None:
    for rendering, workload in workloads():
        assert not rendering.of("Secret", "ConfigMap")
        assert "envFrom" not in container_of(workload)
        for name, value in environment_of(workload).items():
            if re.search("PASSWORD|SECRET|KEY", name):
                assert value.startswith(("/run/secrets", "/etc/ordersaga/")), name
            assert not re.search(r"://[^/@]*:[^/@]*@", value), name


def test_every_variable_is_a_setting_that_the_program_takes() -> None:
    for _, workload in workloads():
        environment = environment_of(workload)
        assert set(environment) <= KNOWN | OF_TEMPORAL
        given = {
            name.removeprefix("ORDERSAGA_").lower(): value
            for name, value in environment.items()
            if name.startswith(ENV_PREFIX) and name != SECRETS_DIR_VARIABLE
        }
        settings = Settings(**given)
        assert settings.log_format == "json"
        assert settings.database_url is not None


def test_each_process_has_the_secrets_that_it_needs_and_no_others() -> None:
    files = facts()["files"]
    for rendering, workload in workloads():
        component = component_of(workload)
        fact = facts()["processes"].get(component) or facts()[component]
        wanted = {files[fact["login"]], *(files[secret] for secret in fact["secrets"])}
        if rendering.values.get("payments", {}).get("provider") == "sandbox":
            wanted.discard(files["stripeApiKey"])
        if not rendering.values.get("webhook", {}).get("url"):
            wanted.discard(files["webhookSecret"])
        if not rendering.values.get("oidc", {}).get("clientId"):
            wanted.discard(files["oidcClientSecret"])
        assert set(secret_files(workload, SECRETS)) == wanted, component


def test_what_a_variable_names_as_a_file_is_mounted() -> None:
    for _, workload in workloads():
        named = re.findall(r"/etc/ordersaga/([\w.-]+)", " ".join(environment_of(workload).values()))
        assert set(named) == set(secret_files(workload, "/etc/ordersaga"))


def test_each_login_is_that_of_its_role_and_is_granted_it() -> None:
    for rendering in renderings():
        (job,) = rendering.of("Job")
        granted = dict(word.removeprefix("--grant=").split("=") for word in grants(job))
        for workload in rendering.workloads():
            component = component_of(workload)
            role = (facts()["processes"].get(component) or facts()[component])["login"]
            url = environment_of(workload)["ORDERSAGA_DATABASE_URL"]
            login = url.split("/")[2].split("@")[0]
            assert login == granted.get(role, login)
            assert (role == "owner") == (login not in granted.values())


def grants(job: Object) -> list[str]:
    command, *rest = container_of(job)["args"]
    assert command == "migrate"
    return list(rest)


def test_every_image_is_exact() -> None:
    for _, workload in workloads():
        image = container_of(workload)["image"]
        assert EXACT.fullmatch(image), image


def test_a_process_has_the_time_to_end_that_it_takes() -> None:
    for rendering, workload in lasting():
        drain_s = rendering.values.get("settings", {}).get("drain_timeout_s", 11)
        grace_s = pod_of(workload)["spec"]["terminationGracePeriodSeconds"]
        pause_s = container_of(workload).get("lifecycle", {}).get("preStop", {"sleep": None})
        assert grace_s >= math.ceil(drain_s) + BEYOND_DRAINING_S + (5 if pause_s["sleep"] else 0)


def test_the_migration_comes_first_and_needs_nothing_that_comes_later() -> None:
    for rendering in renderings():
        (job,) = rendering.of("Job")
        weight = weight_of(job)
        for each in rendering.objects:
            hook = "helm.sh/hook" in each["metadata"].get("annotations", {})
            assert hook == (each["metadata"]["name"].endswith("-migration")), each
            if hook:
                assert each is job or weight_of(each) < weight
        account = pod_of(job)["spec"]["serviceAccountName"]
        assert account == job["metadata"]["name"]


def weight_of(hook: Object) -> int:
    annotations = hook["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert "before-hook-creation" in annotations["helm.sh/hook-delete-policy"]
    return int(annotations["helm.sh/hook-weight"])


def test_selectors_take_the_pods_of_their_process_and_no_others() -> None:
    for rendering in renderings():
        pods = {component_of(each): pod_of(each) for each in rendering.workloads()}
        for each in rendering.of("Deployment", "PodDisruptionBudget", "Service"):
            selector = each["spec"]["selector"]
            selector = selector if "matchLabels" in selector else {"matchLabels": selector}
            taken = [name for name, pod in pods.items() if selects(selector, pod)]
            assert taken == [component_of(each)]
        budgets = {component_of(each) for each in rendering.of("PodDisruptionBudget")}
        assert budgets == set(pods) & set(facts()["processes"])


def test_a_node_can_always_be_drained() -> None:
    for rendering in renderings():
        for budget in rendering.of("PodDisruptionBudget"):
            assert budget["spec"]["maxUnavailable"] not in (0, "0%")
            assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_who_is_scaled_has_no_fixed_number_and_one_scaler() -> None:
    for rendering in renderings():
        scaled: Counter[str] = Counter()
        for each in rendering.of("HorizontalPodAutoscaler", "ScaledObject"):
            scaled[each["spec"]["scaleTargetRef"]["name"]] += 1
        deployments = {each["metadata"]["name"]: each for each in rendering.of("Deployment")}
        assert set(scaled) <= set(deployments)
        assert set(scaled.values()) <= {1}
        assert {n for n, each in deployments.items() if "replicas" not in each["spec"]} == set(
            scaled
        )


def test_a_backlog_is_that_of_the_workers_own_queue() -> None:
    (everything,) = (each for each in renderings() if each.name == "everything")
    scalers = {component_of(each): each for each in everything.of("ScaledObject")}
    workers = {name: fact for name, fact in facts()["processes"].items() if "queue" in fact}
    assert set(scalers) == set(workers)
    for name, scaler in scalers.items():
        cpu, backlog = scaler["spec"]["triggers"]
        assert (cpu["type"], backlog["type"]) == ("cpu", "temporal")
        assert backlog["metadata"]["taskQueue"] == workers[name]["queue"]
        kinds = set(backlog["metadata"]["queueTypes"].split(","))
        assert kinds == {"activity", *(["workflow"] if name == "worker-orders" else [])}


def test_names_are_unique_and_short_enough_however_long_the_release_is_called() -> None:
    longest = rendered({"everything": values_of("everything")}, release="r" * 53)
    for rendering in [*renderings(), *longest]:
        names = Counter((each["kind"], each["metadata"]["name"]) for each in rendering.objects)
        assert set(names.values()) == {1}
        assert all(len(name) <= LONGEST_NAME for _, name in names)
        assert {each["metadata"]["namespace"] for each in rendering.objects} == {"orders"}


def test_the_notes_name_what_is_there() -> None:
    for rendering in renderings():
        there = {
            f"{each['kind'].lower()}/{each['metadata']['name']}" for each in rendering.workloads()
        }
        assert set(re.findall(r"(?:job|deployment)/[\w-]+", rendering.notes)) <= there
        api = any(component_of(each) == "api" for each in rendering.of("Deployment"))
        assert api == (":8180" in rendering.notes)
