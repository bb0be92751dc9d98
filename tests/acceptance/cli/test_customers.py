"""`ordersaga customer` against a whole stack: an order is fulfilled, its customer erased."""

import asyncio
import stat
from pathlib import Path
from urllib.parse import urlsplit

from ordersaga_client import OrderSagaClient

from eventstore.postgres.connection import connect
from ordersaga.embedded.layout import cluster_of
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.personal_data.vault import KeyRing
from tests.acceptance.cli_shop import CliShop
from tests.support.stack.stack import Up, order_document, until

SECRETS = ("Zacharias Geheim", "13 Hidden Lane", "LS99 9XX", "tok_zacharias")


def document(order_id: str, customer_id: str) -> dict[str, object]:
    address = {
        "name": "Zacharias Geheim",
        "line1": "13 Hidden Lane",
        "city": "Leeds",
        "postal_code": "LS99 9XX",
        "country": "GB",
    }
    payment = {"token": "tok_zacharias"}
    return order_document(order_id, customer_id=customer_id, address=address, payment=payment)


def in_files(folder: Path) -> list[tuple[str, str]]:
    """Files of a folder that hold a secret, and which."""
    texts = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert texts, f"there is no file in {folder}"
    return [
        (name, secret)
        for name, text in texts.items()
        for secret in SECRETS
        if secret.encode() in text
    ]


async def fulfilled(stack: Up, order_id: str, customer_id: str) -> None:
    await stack.receive("71053", 2, f"delivery {order_id}")
    async with stack.services() as services:
        sagas = OrderSagaClient(await services.temporal())
        await sagas.place(document(order_id, customer_id))
        async with asyncio.timeout(90):
            assert (await sagas.result(order_id)).outcome == "completed"


async def test_an_erased_customer_shows_nowhere_and_everything_still_adds_up(
    running_stack: Up,
) -> None:
    await fulfilled(running_stack, "erase-1", "erase-me")
    before = (await running_stack.ordersaga("order", "show", "erase-1", "--json")).json()
    assert before["address"]["name"] == "Zacharias Geheim"

    erased = await running_stack.ordersaga(
        "customer", "erase", "erase-me", "--reason", "letter 17", "--json"
    )
    report = erased.json()
    assert (report["orders"], report["keys_destroyed"]) == (1, 1)
    assert (report["already_erased"], report["histories_note"]) == (False, None)
    assert (report["histories_deleted"], report["histories_running"]) == (1, [])

    after = (await running_stack.ordersaga("order", "show", "erase-1", "--json")).json()
    assert after["address"] == {"redacted": "erased"}
    assert {**after, "address": None} == {**before, "address": None}
    shown = await running_stack.ordersaga("order", "show", "erase-1")
    assert "[erased]" in shown.out

    async def forgotten() -> bool:
        described = await running_stack.temporal(
            "workflow", "describe", "--workflow-id", "order-erase-1"
        )
        return described.code != 0

    # Temporal deletes in the background, and tries again at growing intervals if it is not ready.
    await until(forgotten, 180)
    assert in_files(running_stack.data_dir / "logs") == []
    rebuilt = await running_stack.ordersaga("projections", "rebuild", "customer_orders")
    assert rebuilt.code == 0, rebuilt.err
    verified = await running_stack.ordersaga("verify")
    assert verified.code == 0, verified.out

    again = await running_stack.ordersaga("customer", "erase", "erase-me", "--json")
    assert (again.json()["keys_destroyed"], again.json()["already_erased"]) == (0, True)


async def test_the_stacks_database_files_hold_no_plain_text(running_stack: Up) -> None:
    await fulfilled(running_stack, "erase-2", "kept-customer")
    async with running_stack.services() as services:
        assert await KeyRing(services.pool).has_present("customer-kept-customer")
    cluster = cluster_of(running_stack.data_dir)
    port = urlsplit(running_stack.state().database_url).port
    assert port is not None
    admin = await connect(EmbeddedPostgres(cluster, port).url())
    await admin.execute("CHECKPOINT")
    await admin.close()
    assert in_files(cluster) == []
    key = running_stack.data_dir / "master.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


async def test_a_customer_nobody_knows_is_refused(running_stack: Up) -> None:
    ended = await running_stack.ordersaga("customer", "erase", "nobody-at-all")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "error: there is no customer 'nobody-at-all'\n"


async def test_a_customer_with_a_draft_is_refused_until_it_is_cancelled(
    empty_database: str, tmp_path: Path
) -> None:
    shop = await CliShop.opened(empty_database, tmp_path)
    await shop.json("order", "create", "D1", "--customer", "drafty")
    address = ("--name", "Zacharias Geheim", "--line1", "13 Hidden Lane", "--city", "Leeds")
    await shop.json(
        "order", "set-address", "D1", *address, "--postal-code", "X1", "--country", "GB"
    )
    refused = await shop.run("customer", "erase", "drafty")
    assert refused.code == 1
    assert "D1 (draft)" in refused.err
    await shop.json("order", "cancel", "D1")
    ended = await shop.run("customer", "erase", "drafty", "--json")
    assert ended.json()["orders"] == 1
    # Nothing was ever in Temporal, but that it could not be asked must be said.
    assert "TEMPORAL_ADDRESS" in ended.err
    assert (await shop.json("order", "show", "D1"))["address"] == {"redacted": "erased"}


async def test_a_guest_is_erased_by_the_id_of_the_order(
    empty_database: str, tmp_path: Path
) -> None:
    shop = await CliShop.opened(empty_database, tmp_path)
    await shop.json("order", "create", "G1")
    await shop.json("order", "cancel", "G1")
    report = await shop.json("customer", "erase", "--guest", "G1")
    assert (report["subject"], report["already_erased"]) == ("order-G1", False)


async def test_keys_are_rewrapped_on_request(empty_database: str, tmp_path: Path) -> None:
    shop = await CliShop.opened(empty_database, tmp_path)
    assert (await shop.json("customer", "rewrap-keys"))["rewrapped"] == 0
