"""How much of the code a reader meets on the way of an order to its first event."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from ordersaga_client import OrderSagaClient
from temporalio.client import Client

from activities.messages import INVENTORY_QUEUE, ORDERS_QUEUE
from adapters.notifications.recording import RecordingNotifications
from adapters.providers.fakes import FakeCarrier, FakePaymentGateway
from domain.ids import Sku
from domain.stock.commands import ReceiveStock
from ordersaga.bootstrap.wiring import Services
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.operations.jobs.acts import SagaActs
from ordersaga.operations.orders import OrdersService
from tests.support.repository.executed import executed_files
from tests.support.sagas.shop import document
from tests.support.stores.personal_data import new_master_key, sealed_shop, vault_database
from workers.factory import Dependencies, build_worker

MOST_FILES = 80  # it may only get smaller


@pytest.fixture
async def services(postgres_server: EmbeddedPostgres) -> AsyncIterator[Services]:
    async with (
        vault_database(postgres_server) as url,
        sealed_shop(url, new_master_key(), encrypt_personal_data=False) as shop,
    ):
        yield shop.services


async def test_few_files_run_from_a_clients_document_to_the_first_append(
    services: Services, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock = ReceiveStock(Sku("short-way-sku"), 9, "first")
    await OrdersService.of(services).execute_stock(stock.sku, stock)
    dependencies = Dependencies(
        services.handler,
        FakePaymentGateway(),
        FakeCarrier(),
        RecordingNotifications(),
        services.installation,
        partial(SagaActs, services.handler),
    )
    append, appended = type(services.log).append, asyncio.Event()

    async def first_append(*arguments: Any) -> Any:
        result = await append(*arguments)
        files.stop()
        appended.set()
        return result

    monkeypatch.setattr(type(services.log), "append", first_append)
    async with (
        build_worker(client, ORDERS_QUEUE, dependencies),
        build_worker(client, INVENTORY_QUEUE, dependencies),
    ):
        with executed_files() as files:
            await OrderSagaClient(client).place(document("short-way"))
            await appended.wait()
        await client.get_workflow_handle("order-short-way").terminate()
    assert len(files.names) <= MOST_FILES, "\n".join(files.names)
