"""An order, its money and its stock after any event are the fold of the events up to it."""

import re

from activities.aggregates import ORDER, STOCK
from domain.errors import NotFound
from domain.ids import order_stream, stock_stream
from domain.order.state import status_of
from ordersaga.access.roles import Role
from ordersaga.operations.order_history import version_at
from ordersaga.operations.orders import OrdersService
from tests.support.api.pages import Reader
from tests.support.api.shop import ApiShop
from tests.unit.ordersaga.operations.verification.story import DONE, GONE, LAMP

STATUS = re.compile(r'<span class="label">Order</span><span class="badge is-[a-z]+">([^<]+)</span>')


async def test_the_version_of_a_stream_at_a_position_counts_its_events(shop: ApiShop) -> None:
    log, stream = shop.services.log, stock_stream(LAMP)
    events = await log.read_stream(stream)
    assert len(events) > 3
    for position in range(await log.head() + 2):
        expected = sum(event.position <= position for event in events)
        assert await version_at(log, stream, position) == expected
    assert await version_at(log, "stock-unknown", 5) == 0


async def test_an_order_at_every_position_is_the_fold_of_its_events_up_to_it(shop: ApiShop) -> None:
    services = shop.services
    for order_id in (GONE, DONE):
        events = await services.store.read_stream(order_stream(order_id))
        state = ORDER.fold.initial
        for event in events:
            state = ORDER.fold.evolve(state, services.codec.decode(event))
            history = await OrdersService.of(services).history(order_id, at_position=event.position)
            assert history.order() == state
        before = events[0].position - 1
        try:
            await OrdersService.of(services).history(order_id, at_position=before)
        except NotFound:
            continue
        raise AssertionError("an order was there before its first event")


async def test_pages_of_the_past_say_what_the_fold_says(shop: ApiShop) -> None:
    reader, services = Reader.of(shop, Role.ADMIN), shop.services
    stock, compared = await services.log.read_stream(stock_stream(LAMP)), 0
    state = ORDER.fold.initial
    for event in await services.store.read_stream(order_stream(GONE)):
        state = ORDER.fold.evolve(state, services.codec.decode(event))
        text = (await reader.get(f"/orders/{GONE}?position={event.position}")).text
        assert STATUS.search(text)[1] == str(status_of(state))  # type: ignore[index]  # or it fails
        if "Stock of its products then" not in text:  # it has no lines yet
            continue
        compared += 1
        held = STOCK.fold.initial
        for one in stock:
            if one.position <= event.position:
                held = STOCK.fold.evolve(held, services.codec.decode(one))
        shown = text.partition("Stock of its products then")[2].partition(f"{LAMP}</a></td>")[2]
        numbers = re.findall(r'<td class="right">(\d+)</td>', shown.partition("</tr>")[0])
        assert numbers == [str(held.on_hand), str(held.reserved), str(held.available), "0"]
    assert compared >= 4
