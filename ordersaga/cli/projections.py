"""`ordersaga projections`: run read models, show their state, rebuild and repair them."""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ordersaga.cli.answers import Answer, CommandGroup, page_answer
from ordersaga.cli.common import Cursor, Limit, opened, text_option
from ordersaga.cli.output import OK, async_command, note
from ordersaga.daemons.ending import stopping_on_signals
from ordersaga.display.tables import Columns, console
from ordersaga.errors import INTERRUPTED, REFUSED, Refused, WrongUsage
from projections.engine.projection import Projection
from projections.errors import Interrupted
from projections.operations import operate
from projections.operations import rebuild as rebuilding
from projections.operations import status as lane_status
from projections.operations.repairs.table import list_repairs
from projections.registry import select

Name = Annotated[str, typer.Argument(metavar="NAME", help="Read model.")]
Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Read models; default: all.")
]
SomeNames = Annotated[list[str], typer.Argument(metavar="NAME...", help="Read models.")]
Stream = Annotated[str | None, text_option("Only this stream.")]

_LANES: Final = Columns(
    "projection: read model, lane>, state, lag_positions: behind>, seconds>, parked>, position>, "
    "updated_at: moved",
    seconds=lambda x: f"{x.lag_seconds:.1f}",
)
_REPLAYED: Final = Columns("stream, events>, result", result=lambda x: x.error or "applied")
_PARKED: Final = Columns(
    "projection: read model, stream, position: since position>, events>, attempts>, "
    "parked_at: parked, error"
)
_LETTERS: Final = Columns(
    "version>, position>, event_type: event, state",
    state=lambda x: "waits" if x.waiting else "failed",
)
_REPAIRS: Final = Columns(
    "id>, kind: what, projection: read model, stream, state, done>, requested_by: by, reason, "
    "requested_at: asked for (UTC), outcome",
    done=lambda x: f"{100 * min(x.position, x.head) // x.head} %" if x.head else "",
)
_NOTHING_PARKED: Final = "no stream is parked"
_SECONDS_BETWEEN_LINES: Final = 2.0

app = CommandGroup("projections", "Keep the read models up to date.")


@app.command()
@async_command
async def run(
    names: Annotated[list[str] | None, typer.Argument(help="Read models; default: all.")] = None,
) -> None:
    """Follow the event store until SIGTERM; any number of processes may run at once."""
    from ordersaga.daemons.entry import run_projections  # noqa: PLC0415  0.3 s, for `run` alone

    await run_projections(tuple(names or ()))


# --- status --------------------------------------------------------------------------------------


@app.answer()
async def status(names: Names = None) -> Answer:
    """Show how far each lane has come and whether a process is working on it.

    Ends with 1 if a lane is stuck or its tables belong to another version of the program.
    """
    projections = select(names or ())
    async with opened() as services:
        lanes = await lane_status.status(services.pool, services.redacted_store, projections)
    problems = [
        f"{lane.projection} lane {lane.lane}: {lane.problem}" for lane in lanes if lane.problem
    ]
    code = REFUSED if problems else OK
    return Answer(lanes, lambda: _LANES.table(lanes), code, problems)


# --- rebuild -------------------------------------------------------------------------------------


@app.answer()
async def rebuild(name: Name) -> Answer:
    """Fill new tables beside the live ones from the first event on, then switch over.

    Readers see the old tables until then. If the command is stopped or killed, run it again to
    continue.
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
                raise typer.Exit(INTERRUPTED) from None
    seconds = round(time.monotonic() - started, 3)
    return Answer(
        {"projection": projection.name, "version": projection.version, "seconds": seconds},
        f"{projection.name} was rebuilt and switched over in {seconds:.1f} s",
    )


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


@app.answer()
async def pause(names: SomeNames) -> Answer:
    """Stop applying events in all processes; returns when no batch is running any more."""
    return await _steer(operate.pause, select(names), "paused")


@app.answer()
async def resume(names: SomeNames) -> Answer:
    """Apply events again."""
    return await _steer(operate.resume, select(names), "resumed")


async def _steer(
    work: Callable[[Any, Sequence[Projection]], Awaitable[None]],
    projections: Sequence[Projection],
    done: str,
) -> Answer:
    async with opened() as services:
        await work(services.pool, projections)
    names = [projection.name for projection in projections]
    return Answer({done: names}, f"{done}: {', '.join(names)}")


# --- parked streams ------------------------------------------------------------------------------


@app.answer()
async def replay(name: Name, stream: Stream = None) -> Answer:
    """Apply the events of parked streams; a stream that fails again stays parked.

    Ends with 1 if a stream failed again.
    """
    (projection,) = select([name])
    async with opened() as services:
        results = await operate.replay(
            services.pool, services.redacted_store, services.codec, projection, stream
        )
    if stream is not None and not results:
        raise Refused(f"stream {stream!r} is not parked by {projection.name}")
    view = _REPLAYED.table(results) if results else _NOTHING_PARKED
    return Answer(results, view, REFUSED if any(result.error for result in results) else OK)


@app.answer()
async def dead_letters(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Read model; default: all.")
    ] = None,
    stream: Annotated[str | None, text_option("Show each event of this stream.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """List parked streams, why each failed and how many of its events are waiting."""
    projections = select([name] if name else ())
    if stream is not None:
        if name is None:
            raise WrongUsage("--stream needs the NAME of a read model")
        return await _letters(projections[0], stream, limit)
    async with opened() as services:
        page = await operate.list_parked(services.pool, projections, limit=limit, cursor=cursor)
    return page_answer(page, _PARKED) if page.items else Answer(page, _NOTHING_PARKED)


async def _letters(projection: Projection, stream: str, limit: int) -> Answer:
    async with opened() as services:
        letters = await operate.list_dead_letters(services.pool, projection, stream, limit=limit)
    if not letters:
        raise Refused(f"stream {stream!r} is not parked by {projection.name}")
    return Answer(letters, lambda: _LETTERS.table(letters))


# --- asked for through the API or the console ----------------------------------------------------


@app.answer()
async def repairs(limit: Limit = 50, cursor: Cursor = None) -> Answer:
    """List replays and rebuilds that the API or the console asked for, and how they ended."""
    async with opened() as services:
        page = await list_repairs(services.pool, limit=limit, cursor=cursor)
    return page_answer(page, _REPAIRS)
