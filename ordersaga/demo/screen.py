"""Output of the demonstration: live on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from projections.read_models.current_orders.model import StatusCount

_LINE_EVERY_S: Final = 3.0
_ENDED: Final = frozenset({"completed", "cancelled"})


Board = Callable[[list[StatusCount]], None]
"""Shows the numbers of orders by status."""


class Screen:
    """Prints the output of the demonstration."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, line: str) -> None:
        """Print a line."""
        self._console.print(line, markup=False, soft_wrap=True)

    def put(self, renderable: RenderableType) -> None:
        """Print a table or the like."""
        self._console.print(renderable)

    def heading(self, text: str) -> None:
        """Print a heading."""
        self.say(f"\n{text}\n{'-' * len(text)}")

    @contextmanager
    def board(self, total: int) -> Iterator[Board]:
        """A live display of `total` orders."""
        if not self._console.is_terminal:
            yield _Lines(self, total).show
            return
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[by_status]}"),
            console=self._console,
        )
        task = progress.add_task("orders ended", total=total, by_status="")
        with progress:
            yield lambda counts: progress.update(
                task, completed=ended(counts), by_status=by_status(counts)
            )


class _Lines:
    def __init__(self, screen: Screen, total: int) -> None:
        self._screen = screen
        self._total = total
        self._last = ("", 0.0)

    def show(self, counts: list[StatusCount]) -> None:
        done = ended(counts)
        line = f"{done} of {self._total} orders ended: {by_status(counts)}"
        now = time.monotonic()
        if line != self._last[0] and (done == self._total or now - self._last[1] > _LINE_EVERY_S):
            self._screen.say(line)
            self._last = (line, now)


def ended(counts: list[StatusCount]) -> int:
    """Orders that have ended."""
    return sum(count.orders for count in counts if count.status in _ENDED)


def by_status(counts: list[StatusCount]) -> str:
    """Orders by status, in one line."""
    sums: dict[str, int] = {}
    for count in counts:
        sums[count.status] = sums.get(count.status, 0) + count.orders
    return ", ".join(f"{orders} {status}" for status, orders in sorted(sums.items())) or "none yet"
