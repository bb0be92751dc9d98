"""The errors of the domain.

    DomainError
    ├── InvalidValue        a value is invalid: names the field and says what would be valid
    ├── CurrencyMismatch    one calculation has two currencies
    ├── RuleBroken          the aggregate's present state does not allow the command
    └── NotFound            the aggregate does not exist

An ordinary outcome (out of stock, declined) is not an error but an event or a result.
`ImpossibleHistory` is not a DomainError: stored events are wrong, not a request.
"""


class DomainError(Exception):
    """Base of all refusals of the domain; its text is safe to show and holds no personal data."""


class InvalidValue(DomainError):
    """A value is invalid.

    Attributes:
        field: dotted path of the field, as the caller wrote it (``lines.0.quantity``).
        problem: what a valid value must be.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class CurrencyMismatch(DomainError):
    """Amounts in two currencies were added, subtracted or compared."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"cannot mix {left} and {right}: convert before you calculate")


class RuleBroken(DomainError):
    """A command is not allowed in the present state.

    Attributes:
        rule: stable name of the rule, for programs (``order_is_frozen``).
    """

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class NotFound(DomainError):
    """The aggregate that a command or query names does not exist."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"there is no {kind} {identifier!r}")


class ImpossibleHistory(Exception):
    """An event cannot follow the state before it: the stream is damaged.

    No command leads here: inspect the events of the stream; retrying is pointless.
    """

    def __init__(self, event: object, state: object) -> None:
        super().__init__(f"{type(event).__name__} cannot follow on {type(state).__name__}")
