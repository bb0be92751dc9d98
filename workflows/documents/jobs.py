"""The document that starts a job, and the messages to it, validated field by field."""

from functools import partial
from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from activities.jobs.messages import JobAct, OrderOutcome
from domain import fields
from domain.ids import JobId, job_workflow, parse_job_id
from domain.order.terms import ShortageChoice
from domain.parcel_left import IfLeft
from workflows.documents.messages import Actor, RequestedBy
from workflows.documents.parts import OrderIdText, Strict, pattern, text
from workflows.documents.validation import FieldProblem, InvalidDocument, validate

MOST_ORDERS: Final = 5_000
"""The most orders of a job: what a run hands over to the next stays below Temporal's 2 MiB."""
MOST_PER_SECOND: Final = 50.0
USUAL_PER_SECOND: Final = 10.0
MOST_REASON: Final = fields.MAX_REASON - 100
"""A job's reason is shorter than others: the sagas are told the id of the job with it."""
LONGEST_PAGE: Final = 1_000
_LONGEST_SELECTION: Final = 2_000

JobReason = Annotated[str, *text(partial(fields.parse_text, max_length=MOST_REASON), MOST_REASON)]
PerSecond = Annotated[
    float, Field(ge=0.1, le=MOST_PER_SECOND, description="at most so many orders a second")
]


def _distinct(orders: list[str]) -> list[str]:
    if len(set(orders)) < len(orders):
        raise PydanticCustomError("distinct", "names an order twice")
    return orders


class Details(Strict):
    """What some acts need besides a reason."""

    requested_by: RequestedBy | None = None
    goods: IfLeft | None = None
    choice: ShortageChoice | None = None


class JobDocument(Strict):
    """A job as it is started: a dry run, which may be carried out later.

    Attributes:
        actor: who starts it.
        selection: by what the orders were chosen, for people.
    """

    job_id: Annotated[str, *pattern(parse_job_id, "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    act: JobAct
    actor: Actor
    reason: JobReason
    selection: Annotated[str, Field(max_length=_LONGEST_SELECTION)]
    orders: Annotated[
        list[OrderIdText], Field(min_length=1, max_length=MOST_ORDERS), AfterValidator(_distinct)
    ]
    per_second: PerSecond = USUAL_PER_SECOND
    details: Details = Details()

    @property
    def id(self) -> JobId:
        """The id of the job."""
        return JobId(self.job_id)


class JobMessage(Strict):
    """``carry_out`` and ``abort``: who asks for it."""

    actor: Actor


class PageMessage(Strict):
    """``orders``: a page of the orders and what became of them; `outcome` selects some."""

    offset: Annotated[int, Field(ge=0, le=MOST_ORDERS)] = 0
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] = 50
    outcome: OrderOutcome | None = None


def parse_job(raw: bytes, workflow_id: str) -> JobDocument:
    """The document of the job with this workflow id; raises InvalidDocument."""
    document = validate(JobDocument, raw, "job")
    if job_workflow(document.id) != workflow_id:
        problem = FieldProblem("job_id", "is not that of the workflow id")
        raise InvalidDocument((problem,))
    return document
