"""A shop whose personal data is sealed, on a database of its own."""

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from activities.messages import OrderDocument
from activities.orders.intake import decide_intake
from domain.ids import CustomerId, LineId, OrderId, Sku, order_stream
from domain.lines import OrderLine
from domain.order import decisions as order_decisions
from domain.order import evolution as order_evolution
from domain.order import state as order_state
from domain.order.commands import CancelOrder, ChangeDeliveryAddress
from domain.values import Address, PaymentTerms, Reason
from eventstore.commands.folding import Fold
from eventstore.commands.handler import CommandContext, Decision
from eventstore.model import Metadata
from eventstore.postgres.migrator import migrate
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.wiring import Services, open_services
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.personal_data.vault import KEY_VAULT
from projections.engine.runner import ProjectionRunner
from projections.registry import ALL
from tests.support.sagas.domain_samples import NOON, gbp
from tests.support.stores.logins import as_operator
from tests.support.stores.read_models import installed_database

SECRETS = ("Zacharias Geheim", "13 Hidden Lane", "Verborgen", "LS99 9XX", "tok_secret")
HIDDEN = Address("Zacharias Geheim", "13 Hidden Lane", "Leeds", "LS99 9XX", "GB")
MOVED = Address("Zacharias Geheim", "14 Verborgen Weg", "Leeds", "LS99 9XX", "GB")
ORDER_FOLD = Fold(order_state.INITIAL, order_evolution.evolve)


def new_master_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@asynccontextmanager
async def vault_database(server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of a database with event store, read models and key vault."""
    async with installed_database(server) as url:
        await migrate(url, [KEY_VAULT])
        yield url


class SealedShop:
    """Orders told straight to the event store of one process."""

    def __init__(self, services: Services) -> None:
        self.services = services

    async def place(self, order_id: str, customer_id: str | None = "17850") -> None:
        """Create and submit an order, in one append."""
        document = OrderDocument(
            order_id=OrderId(order_id),
            customer_id=None if customer_id is None else CustomerId(customer_id),
            currency="GBP",
            placed_at=NOON,
            lines=(OrderLine(LineId("1"), Sku("71053"), "LANTERN", 6, gbp(339)),),
            address=HIDDEN,
            payment=PaymentTerms("tok_secret"),
        )
        await self.decide(order_id, lambda state: decide_intake(document, state))

    async def move(self, order_id: str) -> None:
        """Change the delivery address."""
        await self.decide(
            order_id, lambda s: order_decisions.decide(ChangeDeliveryAddress(MOVED), s)
        )

    async def cancel(self, order_id: str) -> None:
        """End an order."""
        command = CancelOrder(Reason.CUSTOMER_REQUEST, "")
        await self.decide(order_id, lambda state: order_decisions.decide(command, state))

    async def decide(self, order_id: str, decide: Any) -> None:
        stream = order_stream(OrderId(order_id))
        await self.services.handler.execute(
            {stream: ORDER_FOLD},
            lambda loaded: Decision({stream: decide(loaded[stream].state)}, None),
            CommandContext(str(uuid4()), Metadata(stream, "test", "test")),
        )

    async def order(self, order_id: str) -> order_state.FrozenOrder:
        """What was submitted, folded from the events as they are now."""
        state: order_state.OrderState = order_state.INITIAL
        for event in await self.services.store.read_stream(f"order-{order_id}"):
            state = order_evolution.evolve(state, self.services.codec.decode(event))
        found = order_state.frozen_order(state)
        assert found is not None
        return found

    def runner(self) -> ProjectionRunner:
        """Applies events to the read models, as the projections process does."""
        services = self.services
        return ProjectionRunner(services.pool, services.redacted_store, services.codec, None, ALL)

    async def tables(self) -> dict[str, str]:
        """The whole content of every table of the database, as text."""
        names = await self.services.pool.fetch(
            "SELECT schemaname || '.' || tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        return {
            name: "\n".join(
                row[0]
                for row in await self.services.pool.fetch(f"SELECT t::text FROM {name} AS t")  # noqa: S608  names of tables
            )
            for (name,) in names
        }


@asynccontextmanager
async def sealed_shop(url: str, master_key: str, **settings: Any) -> AsyncIterator[SealedShop]:
    """One process of a shop, of an operator: who processes orders only may not erase."""
    own = {"database_url": await as_operator(url), "master_key": master_key}
    checked = Settings.model_validate({**own, **settings})
    async with open_services(checked) as services:
        yield SealedShop(services)
