"""`ordersaga projections`: run read models, show their state, rebuild and repair them."""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from ordersaga.cli.common import Cursor, Json, Limit, group, opened, searchable
from ordersaga.cli.output import OK, async_command, emit, note, note_next_page
from ordersaga.daemons.service import stopping_on_signals
from ordersaga.display.tables import clock, console, make_table
from ordersaga.errors import INTERRUPTED, REFUSED, Refused, WrongUsage
from projections.engine.projection import Projection
from projections.errors import Interrupted
from projections.operations import operate
from projections.operations import rebuild as rebuilding
from projections.operations import status as lane_status
from projections.paging import Page
from projections.registry import select

Name = Annotated[str, typer.Argument(metavar="NAME", help="Read model.")]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Read models; default: all.")
]
SomeNames = Annotated[list[str], typer.Argument(metavar="NAME...", help="Read models.")]
Stream = Annotated[str | None, typer.Option(help="Only this stream.")]

_SECONDS_BETWEEN_LINES: Final = 2.0

app = group("projections", "Keep the read models up to date.")


@app.command()
@async_command
async def run(
    names: Annotated[list[str] | None, typer.Argument(help="Read models; default: all.")] = None,
) -> None:
    """Follow the event store until SIGTERM; any number of processes may run at once."""
    from ordersaga.daemons.entry import run_projections  # noqa: PLC0415  0.3 s, for `run` alone

    await run_projections(tuple(names or ()))


# --- status --------------------------------------------------------------------------------------


@app.command()
@async_command
async def status(names: Names = None, as_json: Json = False) -> int:
    """Show how far each lane has come and whether a process is working on it.

    Ends with 1 if a lane is stuck or its tables belong to another version of the program.
    """
    projections = select(names or ())
    async with opened() as services:
        lanes = await lane_status.status(services.pool, services.redacted_store, projections)
    emit(lanes, as_json=as_json, view=lambda: _status_table(lanes))
    troubled = [lane for lane in lanes if lane.problem]
    if not as_json:
        for lane in troubled:
            note(f"{lane.projection} lane {lane.lane}: {lane.problem}")
    return REFUSED if troubled else OK


def _status_table(lanes: Sequence[lane_status.LaneStatus]) -> Table:
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


@app.command()
@async_command
async def rebuild(name: Name, as_json: Json = False) -> int:
    """Fill new tables beside the live ones from the first event on, then switch over.

    Readers see the old tables until then. If it is stopped or killed, run it again to continue.
    """
    (projection,) = select([name])
    started = time.monotonic()
    async with opened() as services:
        with stopping_on_signals() as stop, _progress() as report:
            try:
                await rebuilding.rebuild(
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
                note(f"the rebuild of {projection.name} has stopped; run it again to continue")
                return INTERRUPTED
    seconds = round(time.monotonic() - started, 3)
    emit(
        {"projection": projection.name, "version": projection.version, "seconds": seconds},
        as_json=as_json,
        view=f"{projection.name} was rebuilt and switched over in {seconds:.1f} s",
    )
    return OK


@contextmanager
def _progress() -> Iterator[rebuilding.Report]:
    """A bar on a terminal, otherwise a line from time to time, on stderr."""
    errors = console(stderr=True)
    if not errors.is_terminal:
        yield _lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TextColumn("{task.fields[left]}"), console=errors) as bar:
        task = bar.add_task("reading", total=None, left="")

        def report(progress: rebuilding.Progress) -> None:
            bar.update(
                task,
                description=progress.projection,
                completed=progress.position,
                total=progress.head,
                left=_left(progress),
            )

        yield report


def _lines() -> rebuilding.Report:
    last_line = time.monotonic()

    def report(progress: rebuilding.Progress) -> None:
        nonlocal last_line
        position, head = progress.position, progress.head
        if position < head and time.monotonic() - last_line < _SECONDS_BETWEEN_LINES:
            return
        last_line = time.monotonic()
        part = f"{100 * position // max(head, 1)} %"
        note(f"{progress.projection}: {part}, position {position} of {head}, {_left(progress)}")

    return report


def _left(progress: rebuilding.Progress) -> str:
    if progress.position >= progress.head:
        return "done"
    if progress.eta_s is None:
        return "time left unknown"
    minutes, seconds = divmod(round(progress.eta_s), 60)
    return f"{minutes}:{seconds:02} left"


# --- pause and resume ----------------------------------------------------------------------------


@app.command()
@async_command
async def pause(names: SomeNames, as_json: Json = False) -> None:
    """Stop applying events in all processes; returns when no batch is running any more."""
    await _steer(operate.pause, select(names), as_json, "paused")


@app.command()
@async_command
async def resume(names: SomeNames, as_json: Json = False) -> None:
    """Apply events again."""
    await _steer(operate.resume, select(names), as_json, "resumed")


async def _steer(
    work: Callable[[Any, Sequence[Projection]], Awaitable[None]],
    projections: Sequence[Projection],
    as_json: bool,
    done: str,
) -> None:
    async with opened() as services:
        await work(services.pool, projections)
    names = [projection.name for projection in projections]
    emit({done: names}, as_json=as_json, view=f"{done}: {', '.join(names)}")


# --- parked streams ------------------------------------------------------------------------------


@app.command()
@async_command
async def replay(name: Name, stream: Stream = None, as_json: Json = False) -> int:
    """Apply the events of parked streams; a stream that fails again stays parked.

    Ends with 1 if a stream failed again.
    """
    (projection,) = select([name])
    only = searchable(stream, "--stream")
    async with opened() as services:
        results = await operate.replay(
            services.pool, services.redacted_store, services.codec, projection, only
        )
    if only is not None and not results:
        raise Refused(f"stream {only!r} is not parked by {projection.name}")
    emit(results, as_json=as_json, view=lambda: _replay_table(results))
    return REFUSED if any(result.error for result in results) else OK


def _replay_table(results: Sequence[operate.ReplayResult]) -> Table | str:
    if not results:
        return "no stream is parked"
    return make_table(
        ("stream", "events>", "result"),
        ((x.stream, x.events, x.error or "applied") for x in results),
    )


@app.command()
@async_command
async def dead_letters(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Read model; default: all.")
    ] = None,
    stream: Annotated[str | None, typer.Option(help="Show each event of this stream.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List parked streams, why each failed and how many of its events are waiting."""
    projections = select([name] if name else ())
    if stream is None:
        await _list_parked(projections, limit, cursor, as_json)
        return
    if name is None:
        raise WrongUsage("--stream needs the NAME of a read model")
    await _list_letters(projections[0], searchable(stream, "--stream") or "", limit, as_json)


async def _list_parked(
    projections: Sequence[Projection], limit: int, cursor: str | None, as_json: bool
) -> None:
    async with opened() as services:
        page = await operate.list_parked(services.pool, projections, limit=limit, cursor=cursor)
    emit(page, as_json=as_json, view=lambda: _parked_table(page))
    note_next_page(page.next_cursor, as_json=as_json)


def _parked_table(page: Page[operate.ParkedStream]) -> Table | str:
    if not page.items:
        return "no stream is parked"
    return make_table(
        ("read model", "stream", "since position>", "events>", "attempts>", "parked", "error"),
        (
            (x.projection, x.stream, x.position, x.events, x.attempts, clock(x.parked_at), x.error)
            for x in page.items
        ),
    )


async def _list_letters(projection: Projection, stream: str, limit: int, as_json: bool) -> None:
    async with opened() as services:
        letters = await operate.list_dead_letters(services.pool, projection, stream, limit=limit)
    if not letters:
        raise Refused(f"stream {stream!r} is not parked by {projection.name}")
    emit(letters, as_json=as_json, view=lambda: _letters_table(letters))


def _letters_table(letters: Sequence[operate.DeadLetter]) -> Table:
    return make_table(
        ("version>", "position>", "event", ""),
        (
            (x.version, x.position, x.event_type, "waits" if x.waiting else "failed")
            for x in letters
        ),
    )
