"""The graph of what led to what, drawn as SVG: outside on the left, the saga, what was undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from ordersaga.console.words import IDLE, WRONG, event_meaning
from ordersaga.operations.why import Act

_WIDTH: Final = 324
_MARGIN: Final = 12
_GAP: Final = 48
_LINE: Final = 17
_HEAD: Final = 44
_BETWEEN: Final = 26
_MOST_EVENTS: Final = 6
_LONGEST: Final = 43
_UNDOING: Final = frozenset(
    {"PaymentRefunded", "PaymentVoided", "StockReleased", "LabelCancelled", "CompensationStarted"}
    | {"BackorderWithdrawn", "OrderCancelled"}
)


@dataclass(frozen=True, slots=True)
class _Box:
    act: Act
    x: int
    y: int
    height: int


def draw(acts: Sequence[Act], order_page: str) -> Markup:
    """The acts as boxes over each other in time, with arrows from what led to them.

    Args:
        acts: in the order of the log.
        order_page: address of the order; each box leads to it as it was then.
    """
    boxes = _boxes(acts)
    width = 3 * _WIDTH + 2 * _GAP + 2
    height = max((box.y + box.height for box in boxes), default=0) + 2
    by_number = {box.act.number: box for box in boxes}
    head = Markup(
        '<svg width="{}" height="{}" viewBox="0 0 {} {}" role="group" '
        'aria-label="What led to what; the list below says the same in words">'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path class="arrow" d="M0 0 8 4 0 8z"/></marker></defs>'
    ).format(width, height, width, height)
    edges = [_edge(by_number[number], box) for box in boxes for number in box.act.led_by]
    nodes = [_node(box, order_page) for box in boxes]
    return Markup("").join([head, *edges, *nodes, Markup("</svg>")])


def _boxes(acts: Sequence[Act]) -> list[_Box]:
    boxes, y = [], 1
    for act in acts:
        shown = min(len(act.events), _MOST_EVENTS) + (len(act.events) > _MOST_EVENTS)
        height = _HEAD + _LINE * shown
        boxes.append(_Box(act, 1 + _column(act) * (_WIDTH + _GAP), y, height))
        y += height + _BETWEEN
    return boxes


def _column(act: Act) -> int:
    if act.is_outside:
        return 0
    return 2 if act.has(_UNDOING) else 1


def _edge(cause: _Box, effect: _Box) -> Markup:
    if cause.x == effect.x:
        x = cause.x + _WIDTH // 2
        path = f"M{x} {cause.y + cause.height}V{effect.y - 2}"
    else:
        x1, y1 = cause.x + (_WIDTH if effect.x > cause.x else 0), cause.y + cause.height / 2
        x2, y2 = effect.x + _WIDTH / 2, effect.y - 2
        path = f"M{x1} {y1:.0f}H{x2:.0f}V{y2}"
    return Markup('<path class="edge" marker-end="url(#arrow)" d="{}"/>').format(path)


def _node(box: _Box, order_page: str) -> Markup:
    act, shown = box.act, box.act.events[:_MOST_EVENTS]
    left = len(act.events) - len(shown)
    lines = [event.what for event in shown] + ([f"and {left} more"] if left else [])
    texts = [
        Markup('<text x="0" y="{}">{}</text>').format(_HEAD + 9 + _LINE * index, _cut(line))
        for index, line in enumerate(lines)
    ]
    # An svg within the svg cuts off what is wider than its box, whatever the font is.
    return Markup(
        '<a class="node is-{}" href="{}?position={}" aria-label="{}"><title>{}</title>'
        '<rect x="{}" y="{}" width="{}" height="{}" rx="7"/>'
        '<svg x="{}" y="{}" width="{}" height="{}"><text class="name" x="0" y="19">{}</text>'
        '<text class="sub" x="0" y="35">{}</text>{}</svg></a>'
    ).format(
        *(meaning_of(act), order_page, act.events[-1].position, title_of(act)),
        "\n".join(event.what for event in act.events),
        *(box.x, box.y, _WIDTH, box.height),
        *(box.x + _MARGIN, box.y, _WIDTH - 2 * _MARGIN, box.height),
        _cut(title_of(act)),
        f"{act.actor}, {act.at:%H:%M:%S} UTC",
        Markup("").join(texts),
    )


_TITLES: Final[Mapping[str, str]] = {
    "api": "a request to the API",
    "import": "an import",
    "reserve-inventory": "the saga reserves the stock",
    "process-payment": "the saga takes the payment",
    "create-shipment": "the saga buys the label",
    "capture-payment": "the saga captures the payment",
    "turn-back": "the saga turns back",
    "undo-payment": "the saga gives the money back",
    "release-inventory": "the saga releases the stock",
    "cancel-shipment": "the saga cancels the label",
    "close-cancelled": "the saga ends the order",
    "close-completed": "the saga ends the order",
}


def title_of(act: Act) -> str:
    """What an act is called."""
    if act.is_outside and act.run_id is not None:
        return f"{act.actor} decides"
    return _TITLES.get(act.name, act.name.replace("-", " "))


def meaning_of(act: Act) -> str:
    """Which of the meanings an act has: the worst of its events, else that of the last."""
    if act.is_outside:
        return "cause"
    meanings = [event_meaning(event.event_type) for event in act.events]
    return WRONG if WRONG in meanings else next((x for x in reversed(meanings) if x != IDLE), IDLE)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
