"""Every process runs as the chart says, and connects to all that its policy allows, and no more."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest
from temporalio.testing import WorkflowEnvironment

from tests.support.api.issuer import IdentityProvider, opened_issuer
from tests.support.chart.running import PROCESSES, Pod, pods
from tests.support.faults.proxy import HOST
from tests.support.repository.source_tree import ROOT, text_of
from tests.support.sagas.temporal import SERVER
from tests.support.stack.sandboxes import running_sandboxes
from tests.support.stack.stack import order_document, until
from tests.support.stack.traces import running_collector
from tests.support.stores import postgres
from tests.support.stores.postgres_server import PostgresServer
from tests.support.stores.webhooks import SECRET, Receiver

pytestmark = [
    pytest.mark.system,  # it needs the environment that `make chart` makes
    pytest.mark.timeout(900),  # eleven processes of ours start
]

PAGE = ROOT / "docs" / "kubernetes.md"
WITHIN_S = 300.0


@dataclass
class Release:
    """A release whose processes all run."""

    pods: dict[str, Pod]
    receiver: Receiver
    issuer: IdentityProvider
    token: str

    async def ask(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, Any]:
        """One request to the API, by default with a token of its own."""
        headers = {
            "Authorization": f"Bearer {token or self.token}",
            "Idempotency-Key": uuid4().hex,
        }
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(method, self.pods["api"].url("API") + path, json=body) as answer,
        ):
            return answer.status, await answer.json()

    def look(self) -> bool:
        """Look at all connections of this moment; never the end of a waiting."""
        for name in PROCESSES:
            self.pods[name].look()
        return False


def made_secret(folder: Path) -> dict[str, bytes]:
    """The Secret as the page makes it, of what the shipped program makes."""
    subprocess.run([ROOT / "deploy" / "make-secrets.sh", str(folder)], check=True)
    for name, content in (("webhook_secret", SECRET), ("stripe_api_key", "sk_test_unused")):
        (folder / name).chmod(0o600)
        (folder / name).write_text(content)
    keys = re.findall(r"--from-file=secrets/(\w+)", text_of(PAGE))
    return {key: (folder / key).read_bytes() for key in keys}


async def prepare_database(server: PostgresServer, secrets: Path) -> None:
    """Run the page's statements; from then on each login needs its password."""
    (statements,) = re.findall(r"```sql\n(.*?)```", text_of(PAGE), re.DOTALL)
    admin = await asyncpg.connect(server.url())
    try:
        for statement in statements.split(";\n"):
            if statement.strip():
                await admin.execute(with_passwords(statement, secrets))
        ask_for_passwords(Path(await admin.fetchval("SHOW hba_file")))
        await admin.execute("SELECT pg_reload_conf()")
    finally:
        await admin.close()


def with_passwords(statement: str, secrets: Path) -> str:
    return re.sub(r"'secrets/(\w+)'", lambda m: f"'{(secrets / m[1]).read_text()}'", statement)


def ask_for_passwords(rules: Path) -> None:
    before = rules.read_text()
    rules.write_text(f"host ordersaga all {HOST}/32 scram-sha-256\n{before}")


@pytest.fixture(scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Any]]:
    """What a release connects to, with the receiver of its notifications."""
    folder = tmp_path_factory.mktemp("servers")
    database = postgres.run_server()
    server, receiver = next(database), Receiver()
    await receiver.start()
    temporal = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(SERVER), dev_server_log_level="never", ui=False
    )
    async with (
        temporal,
        running_sandboxes(folder) as sandboxes,
        running_collector() as collector,
        opened_issuer() as issuer,
    ):
        yield {
            "database": (HOST, server.port),
            "temporal": (HOST, port_of(temporal.client.service_client.config.target_host)),
            "payments": (HOST, sandboxes.ports[0]),
            "carrier": (HOST, sandboxes.ports[1]),
            "webhook": (HOST, receiver.port),
            "otlp": (HOST, port_of(collector.url)),
            "oidc": (HOST, issuer.port),
            "issuer": issuer,
            "server": server,
            "receiver": receiver,
        }
    await receiver.stop()
    next(database, None)


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


@pytest.fixture(scope="module")
async def release(
    servers: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Release]:
    """Migrated first, then everything at once, as Helm does."""
    folder = tmp_path_factory.mktemp("pods")
    secret = made_secret(folder / "secrets")
    await prepare_database(servers["server"], folder / "secrets")
    with pods(servers, folder) as made:
        for pod in made.values():
            pod.mount(secret)
        migrated = await made["migration"].run()
        assert migrated.code == 0, migrated.err
        try:
            await asyncio.gather(*(made[name].start() for name in PROCESSES))
            for name in PROCESSES:
                await until(made[name].is_ready, WITHIN_S)
            created = await made["toolbox"].run(
                *("token", "create", "tests", "--role", "admin", "--json")
            )
            servers["issuer"].name_by(made["api"].proxy("oidc").port)
            token = created.json()["token"]
            yield Release(made, servers["receiver"], servers["issuer"], token)
        finally:
            await asyncio.gather(*(made[name].stop() for name in PROCESSES))


async def test_processes_connect_to_what_their_network_policies_allow_and_to_all_of_it(
    release: Release,
) -> None:
    toolbox = release.pods["toolbox"]
    received = await toolbox.run("stock", "receive", "71053", "100", "--reference", "D1")
    assert received.code == 0, received.err
    status, placed = await release.ask("POST", "/orders", order_document("CHART-1"))
    assert status == 201, placed

    async def has_ended() -> bool:
        release.look()
        _, order = await release.ask("GET", "/orders/CHART-1")
        return bool(order["status"] == "completed")

    await until(has_ended, WITHIN_S)
    # An act of an operator whom the issuer names: the API asks Temporal for it.
    ann = release.issuer.token(roles=["shop-operators"])
    hold = ("POST", "/orders/CHART-1/hold", {"reason": "to see"})
    status, refusal = await release.ask(*hold, token=ann)
    assert status == 409, refusal
    await until(
        lambda: release.look() or "ordersaga.order.completed" in release.receiver.types("CHART-1"),
        WITHIN_S,
    )
    verified = await toolbox.run("verify")
    assert verified.code == 0, verified.out + verified.err
    ended = {name: await release.pods[name].stop() for name in PROCESSES}  # sends its last traces
    assert ended == dict.fromkeys(PROCESSES, 0)
    connected = {name: pod.connected() for name, pod in release.pods.items()}
    assert connected == {name: pod.allowed() for name, pod in release.pods.items()}
