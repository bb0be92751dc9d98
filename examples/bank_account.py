"""Bank accounts on the event store: two accounts, one atomic transfer, no database needed.

Run it with `python examples/bank_account.py`. With a `PostgresEventStore` in place of the
in-memory store everything else stays as it is.
"""

# ruff: noqa: INP001  a script to run, not a package

import asyncio
from collections.abc import Mapping

from eventstore.codec import EncodedEvent
from eventstore.commands.folding import Fold, Loaded
from eventstore.commands.handler import CommandContext, CommandHandler, Decision
from eventstore.memory import InMemoryEventStore
from eventstore.model import Metadata, StoredEvent


class AmountCodec:
    """An event is an amount in cents here: positive for a deposit, negative for a withdrawal."""

    def encode(self, event: int) -> EncodedEvent:
        """An amount becomes an event."""
        return EncodedEvent("Deposited" if event > 0 else "Withdrawn", 1, {"cents": event})

    def decode(self, stored: StoredEvent) -> int:
        """An event becomes an amount."""
        return int(stored.data["cents"])


BALANCE: Fold[int] = Fold(initial=0, evolve=lambda balance, cents: balance + cents)


def transfer(accounts: Mapping[str, Loaded[int]], cents: int) -> Decision[bool]:
    """Changes both streams, or none if there is not enough money."""
    source, target = accounts
    if accounts[source].state < cents:
        return Decision({}, result=False)
    return Decision({source: [-cents], target: [cents]}, result=True)


async def main() -> list[str]:
    """Deposit, transfer twice, and describe what happened."""
    store = InMemoryEventStore()
    bank = CommandHandler(store, AmountCodec())

    def request(name: str) -> CommandContext:
        return CommandContext(name, Metadata("demo", name, "ada"))

    pay_in = {"account-ada": BALANCE}
    await bank.execute(pay_in, lambda _: Decision({"account-ada": [5000]}, None), request("1"))
    both = {"account-ada": BALANCE, "account-bob": BALANCE}
    done = [await bank.execute(both, lambda a: transfer(a, 3000), request(n)) for n in "23"]
    feed = (await store.read_feed(0)).events
    lines = [f"{e.position}. {e.stream} {e.event_type} {e.data['cents']}" for e in feed]
    return [*lines, f"first transfer: {done[0]}, second: {done[1]}"]


if __name__ == "__main__":
    print("\n".join(asyncio.run(main())))  # noqa: T201  an example may print
