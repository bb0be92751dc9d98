"""Everything the domain can refuse.

    DomainError
    ├── InvalidValue        a single value is not acceptable: names the field and says what would be
    │   └── MoneyOverflow   an amount leaves the 64-bit range
    ├── CurrencyMismatch    two currencies met in one calculation
    ├── RuleBroken          a command is not allowed in the aggregate's present state
    └── NotFound            the aggregate does not exist

An outcome that business expects (out of stock, declined) is no error: it is an event or a result.
`ImpossibleHistory` stands apart: nobody's request is wrong then, stored events are.
"""


class DomainError(Exception):
    """Root of all refusals of the domain; its text is safe to show and holds no personal data."""


class InvalidValue(DomainError):
    """A value is not acceptable.

    Attributes:
        field: path of the field, dotted, as the caller wrote it (``lines.0.quantity``).
        problem: what is wrong and what would be right.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class MoneyOverflow(InvalidValue):
    """An amount does not fit a signed 64-bit integer of minor units."""


class CurrencyMismatch(DomainError):
    """Amounts in two currencies were added, subtracted or compared."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"cannot mix {left} and {right}: convert before you calculate")
        self.left = left
        self.right = right


class RuleBroken(DomainError):
    """A command is not allowed now.

    Attributes:
        rule: stable name of the rule in snake case, for programs (``order_is_frozen``).
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class NotFound(DomainError):
    """The aggregate that a command or query names does not exist."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"there is no {kind} {identifier!r}")
        self.kind = kind
        self.identifier = identifier


class ImpossibleHistory(Exception):
    """An event does not follow from the state before it: the stream was damaged or mixed up.

    No command can lead here; look at the stream's events, do not try again.
    """

    def __init__(self, event: object, state: object) -> None:
        super().__init__(f"{type(event).__name__} cannot follow on {type(state).__name__}")
