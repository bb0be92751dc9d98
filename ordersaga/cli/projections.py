"""Care for read models: `projections status|rebuild|pause|resume|replay|dead-letters`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ordersaga.cli.common import Cursor, Json, Limit, clock, opened, storable
from ordersaga.cli.output import console, emit, make_table, note, run
from ordersaga.cli.runtime import projections
from ordersaga.errors import INTERRUPTED, REFUSED, Refused, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from projections.engine.projection import Projection
    from projections.operations.operate import DeadLetter, ParkedStream, ReplayResult
    from projections.operations.rebuild import Progress as Step
    from projections.operations.rebuild import Report
    from projections.operations.status import LaneStatus
    from projections.paging import Page

Name = Annotated[str, typer.Argument(metavar="NAME", help="Read model.")]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Read models; all if none is named.")
]
SomeNames = Annotated[list[str], typer.Argument(metavar="NAME...", help="Read models.")]
Stream = Annotated[str | None, typer.Option(help="Only this stream.")]

_LINE_EVERY_S = 2.0


def register(_app: typer.Typer) -> None:
    """Add the commands to the group `projections`, which `runtime` mounts."""
    projections.command()(status)
    projections.command()(rebuild)
    projections.command()(pause)
    projections.command()(resume)
    projections.command()(replay)
    projections.command("dead-letters")(dead_letters)


def _select(names: "Sequence[str]") -> "tuple[Projection, ...]":
    from projections.registry import select

    return select(names)


# --- status --------------------------------------------------------------------------------------


def status(names: Names = None, as_json: Json = False) -> None:
    """Show how far each lane is and whether anybody moves it.

    Ends with 1 if a lane is stuck or its tables belong to another version of the program.
    """
    run(_status(_select(names or ()), as_json))


async def _status(chosen: "Sequence[Projection]", as_json: bool) -> int:
    from projections.operations.status import status as look

    async with opened() as services:
        lanes = await look(services.pool, services.redacted_store, chosen)
    emit(lanes, as_json=as_json, view=lambda: _status_table(lanes))
    troubled = [lane for lane in lanes if lane.problem]
    if not as_json:
        for lane in troubled:
            note(f"{lane.projection} lane {lane.lane}: {lane.problem}")
    return REFUSED if troubled else 0


def _status_table(lanes: "Sequence[LaneStatus]") -> Any:
    return make_table(
        ("read model", "lane>", "state", "behind>", "seconds>", "parked>", "position>", "moved"),
        (
            (
                lane.projection,
                lane.lane,
                lane.state,
                lane.lag_positions,
                f"{lane.lag_seconds:.1f}",
                lane.parked,
                lane.position,
                clock(lane.updated_at),
            )
            for lane in lanes
        ),
    )


# --- rebuild -------------------------------------------------------------------------------------


def rebuild(name: Name, as_json: Json = False) -> None:
    """Fill new tables beside the live ones from the first event on, then switch.

    Readers see the old tables until the switch. Stopped or killed, it goes on where it was when
    it is called again.
    """
    run(_rebuild(_select([name])[0], as_json))


async def _rebuild(projection: "Projection", as_json: bool) -> int:
    from ordersaga.daemons.service import stopping_on_signals
    from projections.errors import Interrupted
    from projections.operations.rebuild import rebuild as work

    started = time.monotonic()
    async with opened() as services:
        with stopping_on_signals() as stop, _progress() as report:
            try:
                await work(
                    services.pool,
                    services.redacted_store,
                    services.codec,
                    projection,
                    report=report,
                    stop=stop,
                )
            except Interrupted:
                if not stop.is_set():
                    raise
                note(f"the rebuild of {projection.name} stopped; call it again to go on")
                return INTERRUPTED
    seconds = round(time.monotonic() - started, 3)
    emit(
        {"projection": projection.name, "version": projection.version, "seconds": seconds},
        as_json=as_json,
        view=f"{projection.name} is rebuilt and switched, in {seconds:.1f} s",
    )
    return 0


@contextmanager
def _progress() -> "Iterator[Report]":
    """A bar on a terminal, else a line now and then, on stderr."""
    errors = console(stderr=True)
    if not errors.is_terminal:
        yield _lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TextColumn("{task.fields[left]}"), console=errors) as bar:
        task = bar.add_task("reading", total=None, left="")

        def report(step: "Step") -> None:
            bar.update(
                task,
                description=step.projection,
                completed=step.position,
                total=step.head,
                left=_left(step),
            )

        yield report


def _lines() -> "Report":
    told = time.monotonic()

    def report(step: "Step") -> None:
        nonlocal told
        if step.position < step.head and time.monotonic() - told < _LINE_EVERY_S:
            return
        told = time.monotonic()
        part = f"{100 * step.position // max(step.head, 1)} %"
        note(f"{step.projection}: {part}, position {step.position} of {step.head}, {_left(step)}")

    return report


def _left(step: "Step") -> str:
    if step.position >= step.head:
        return "done"
    if step.eta_s is None:
        return "time left unknown"
    minutes, seconds = divmod(round(step.eta_s), 60)
    return f"{minutes}:{seconds:02} left"


# --- pause and resume ----------------------------------------------------------------------------


def pause(names: SomeNames, as_json: Json = False) -> None:
    """Stop applying in all processes; returns once no batch is under way."""
    from projections.operations.operate import pause as work

    run(_steer(work, _select(names), as_json, "paused"))


def resume(names: SomeNames, as_json: Json = False) -> None:
    """Go on applying."""
    from projections.operations.operate import resume as work

    run(_steer(work, _select(names), as_json, "resumed"))


async def _steer(
    work: "Callable[[Any, Sequence[Projection]], Awaitable[None]]",
    chosen: "Sequence[Projection]",
    as_json: bool,
    done: str,
) -> None:
    async with opened() as services:
        await work(services.pool, chosen)
    names = [projection.name for projection in chosen]
    emit({done: names}, as_json=as_json, view=f"{done}: {', '.join(names)}")


# --- what could not be applied -------------------------------------------------------------------


def replay(name: Name, stream: Stream = None, as_json: Json = False) -> None:
    """Apply what waits in parked streams; what fails again stays parked.

    Ends with 1 if a stream failed again.
    """
    run(_replay(_select([name])[0], storable(stream, "--stream"), as_json))


async def _replay(projection: "Projection", stream: str | None, as_json: bool) -> int:
    from projections.operations.operate import replay as work

    async with opened() as services:
        results = await work(
            services.pool, services.redacted_store, services.codec, projection, stream
        )
    if stream is not None and not results:
        raise Refused(f"stream {stream!r} is not parked by {projection.name}")
    emit(results, as_json=as_json, view=lambda: _replay_table(results))
    return REFUSED if any(result.error for result in results) else 0


def _replay_table(results: "Sequence[ReplayResult]") -> Any:
    if not results:
        return "nothing is parked"
    return make_table(
        ("stream", "events>", "result"),
        ((x.stream, x.events, x.error or "applied") for x in results),
    )


def dead_letters(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Read model; all if none is named.")
    ] = None,
    stream: Annotated[str | None, typer.Option(help="Show each event of this stream.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List the parked streams, why each failed and how many events wait in it."""
    chosen = _select([name] if name else ())
    if stream is None:
        run(_parked(chosen, limit, cursor, as_json))
    if name is None:
        raise WrongUsage("--stream needs the NAME of a read model")
    run(_letters(chosen[0], storable(stream, "--stream") or "", limit, as_json))


async def _parked(
    chosen: "Sequence[Projection]", limit: int, cursor: str | None, as_json: bool
) -> None:
    from projections.operations.operate import list_parked

    async with opened() as services:
        page = await list_parked(services.pool, chosen, limit=limit, cursor=cursor)
    emit(page, as_json=as_json, view=lambda: _parked_table(page))
    if page.next_cursor and not as_json:
        note(f"there are more: --cursor {page.next_cursor}")


def _parked_table(page: "Page[ParkedStream]") -> Any:
    if not page.items:
        return "nothing is parked"
    return make_table(
        ("read model", "stream", "since position>", "events>", "attempts>", "parked", "error"),
        (
            (x.projection, x.stream, x.position, x.events, x.attempts, clock(x.parked_at), x.error)
            for x in page.items
        ),
    )


async def _letters(projection: "Projection", stream: str, limit: int, as_json: bool) -> None:
    from projections.operations.operate import list_dead_letters

    async with opened() as services:
        letters = await list_dead_letters(services.pool, projection, stream, limit=limit)
    if not letters:
        raise Refused(f"stream {stream!r} is not parked by {projection.name}")
    emit(letters, as_json=as_json, view=lambda: _letters_table(letters))


def _letters_table(letters: "Sequence[DeadLetter]") -> Any:
    return make_table(
        ("version>", "position>", "event", ""),
        (
            (x.version, x.position, x.event_type, "waits" if x.waiting else "failed")
            for x in letters
        ),
    )
