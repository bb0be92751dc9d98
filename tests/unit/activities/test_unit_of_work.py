"""Transactions over several aggregates: all or nothing, once, each command after the others."""

from collections.abc import AsyncIterator

import pytest

from activities.aggregates import ORDER, STOCK
from activities.unit_of_work import UnitOfWork, load, record, transact
from domain.errors import RuleBroken
from domain.stock.commands import ReceiveStock, ReserveStock
from domain.stock.item import StockState
from eventstore.commands.handler import CommandContext
from eventstore.errors import DuplicateEventId
from eventstore.model import Metadata
from tests.support.sagas.domain_samples import HEART, LANTERN
from tests.support.sagas.domain_samples import ORDER as ORDER_ID
from tests.support.sagas.shop import Shop

LANTERNS, HEARTS = STOCK.stream(LANTERN), STOCK.stream(HEART)


def context(command_id: str = "c1") -> CommandContext:
    return CommandContext(command_id, Metadata("test", "test", "test"))


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    shop = Shop()
    await shop.receive(LANTERN, 5)
    yield shop
    await shop.handler.close()


def reserve(pieces: int) -> ReserveStock:
    return ReserveStock(LANTERN, ORDER_ID, pieces)


async def test_a_command_sees_the_commands_before_it(shop: Shop) -> None:
    def rule(unit: UnitOfWork) -> StockState:
        unit.execute(LANTERNS, ReceiveStock(LANTERN, 3, "d2"), reserve(8))
        return unit.state(LANTERNS)

    state = await transact(shop.handler, (LANTERNS,), rule, context())
    assert (state.on_hand, state.reserved) == (8, 8)
    assert await LANTERNS.load(shop.handler) == state


async def test_a_refusal_appends_nothing_of_the_transaction(shop: Shop) -> None:
    def rule(unit: UnitOfWork) -> None:
        unit.execute(HEARTS, ReceiveStock(HEART, 1, "d1"))
        unit.execute(LANTERNS, reserve(6))

    with pytest.raises(RuleBroken):
        await transact(shop.handler, (LANTERNS, HEARTS), rule, context())
    assert (await HEARTS.load(shop.handler)).on_hand == 0


async def test_a_rollback_drops_the_events_and_goes_back_to_what_was_loaded(shop: Shop) -> None:
    def rule(unit: UnitOfWork) -> int:
        unit.execute(LANTERNS, reserve(5))
        unit.rollback()
        unit.execute(LANTERNS, reserve(2))
        return unit.state(LANTERNS).reserved

    assert await transact(shop.handler, (LANTERNS,), rule, context()) == 2
    assert (await LANTERNS.load(shop.handler)).reserved == 2


async def test_a_repeated_request_that_decides_more_now_is_answered_from_what_is_stored(
    shop: Shop,
) -> None:
    await record(shop.handler, LANTERNS, [reserve(2)], context())
    deliveries = ReceiveStock(LANTERN, 1, "d2"), ReceiveStock(LANTERN, 1, "d3")

    def rule(unit: UnitOfWork) -> int:
        unit.execute(LANTERNS, *deliveries)
        return unit.state(LANTERNS).on_hand

    with pytest.raises(DuplicateEventId):
        await transact(shop.handler, (LANTERNS,), rule, context())
    on_hand = await transact(
        shop.handler,
        (LANTERNS,),
        rule,
        context(),
        if_done=lambda unit: unit.state(LANTERNS).on_hand,
    )
    assert on_hand == 5
    await record(shop.handler, LANTERNS, deliveries, context())
    assert (await LANTERNS.load(shop.handler)).on_hand == 5


async def test_several_aggregates_are_loaded_together(shop: Shop) -> None:
    unit = await load(shop.handler, LANTERNS, ORDER.stream(ORDER_ID))
    assert unit.state(LANTERNS).on_hand == 5
    assert unit.state(ORDER.stream(ORDER_ID)) == ORDER.fold.initial
    assert not unit.events
