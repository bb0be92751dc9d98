"""Commands that print an answer: one decorator gives them open services and ``--json``."""

import inspect
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

import typer

from ordersaga.cli.common import Json, opened
from ordersaga.cli.output import OK, View, async_command, emit, note

if TYPE_CHECKING:
    from ordersaga.display.tables import Columns
    from projections.paging import Page


class Answer(NamedTuple):
    """What a command prints.

    Attributes:
        data: printed as JSON; see `emit`.
        view: printed for people; None: JSON.
        code: the exit code.
        remarks: for people, on stderr.
    """

    data: Any
    view: "View | None" = None
    code: int = OK
    remarks: Sequence[str] = ()


Work: TypeAlias = Callable[..., Coroutine[Any, Any, Answer]]


def page_answer(page: "Page[Any]", columns: "Columns", *, title: str | None = None) -> Answer:
    """A page of a listing; people are told how to get the next one."""
    more = [f"there is more: --cursor {page.next_cursor}"] if page.next_cursor else []
    return Answer(page, lambda: columns.table(page.items, title=title), remarks=more)


def answering(work: Work) -> Callable[..., NoReturn]:
    """A command that prints the answer of `work`; it has the options of `work`, and ``--json``.

    If `work` has a parameter `services`, they are open while it runs.
    """
    parameters = dict(inspect.signature(work).parameters)
    needs_services = parameters.pop("services", None) is not None

    async def command(*, as_json: bool, **arguments: Any) -> int:
        if needs_services:
            async with opened() as services:
                answer = await work(services=services, **arguments)
        else:
            answer = await work(**arguments)
        emit(answer.data, as_json=as_json, view=answer.view)
        for remark in () if as_json else answer.remarks:
            note(remark)
        return answer.code

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters["as_json"] = inspect.Parameter("as_json", kind, default=False, annotation=Json)
    program = async_command(command)
    program.__name__, program.__doc__ = work.__name__, work.__doc__
    program.__annotations__ = {name: each.annotation for name, each in parameters.items()}
    program.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # typer reads it
        list(parameters.values())
    )
    return program


class CommandGroup(typer.Typer):
    """A group of commands with its help text."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name=name, help=text, no_args_is_help=True, rich_markup_mode=None)

    def answer(self, name: str | None = None) -> Callable[[Work], Callable[..., NoReturn]]:
        """Add a command that prints an answer, by default under its function's name."""
        return lambda work: self.command(name)(answering(work))
