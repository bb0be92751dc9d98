"""Activities that refuse: what a command of theirs raises is chosen by the test."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from temporalio import activity

from eventstore.commands.decision import CommandContext, Decide
from eventstore.commands.folding import Fold
from eventstore.commands.handler import CommandHandler
from tests.support.sagas.shop import Shop

R = TypeVar("R")


class RefusingHandler(CommandHandler):
    """Refuses the commands of one activity, `times` times; None: always."""

    activity_type = ""
    error: Callable[[], Exception]
    times: int | None = None

    async def execute(
        self, streams: Mapping[str, Fold[Any]], decide: Decide[R], context: CommandContext
    ) -> R:
        is_it = activity.in_activity() and activity.info().activity_type == self.activity_type
        if is_it and self.times != 0:
            self.times = None if self.times is None else self.times - 1
            raise self.error()
        return await super().execute(streams, decide, context)


def refusing_shop(
    activity_type: str, error: Callable[[], Exception], times: int | None = None
) -> Shop:
    """A shop in which the commands of an activity are refused."""
    shop = Shop()
    handler = RefusingHandler(shop.store, shop.codec)
    handler.activity_type, handler.error, handler.times = activity_type, error, times
    shop.handler = handler
    return shop
