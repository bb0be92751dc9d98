"""Given these events, when this command is executed, then these events follow or it is refused."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import pytest

from domain.errors import DomainError, InvalidValue, RuleBroken

Decide = Callable[[Any, Any], tuple[Any, ...]]
Evolve = Callable[[Any, Any], Any]


class Specification:
    """The functions of one aggregate."""

    def __init__(self, decide: Decide, evolve: Evolve, initial: Any) -> None:
        self._decide = decide
        self._evolve = evolve
        self._initial = initial

    def state(self, *events: Any) -> Any:
        """The state that the events lead to."""
        return reduce(self._evolve, events, self._initial)

    def given(self, *events: Any) -> "Given":
        """Start from these events; tuples of events are flattened."""
        flat = [e for part in events for e in (part if isinstance(part, tuple) else (part,))]
        return Given(self._decide, self.state(*flat))


class Given:
    """A state before a command."""

    def __init__(self, decide: Decide, state: Any) -> None:
        self._decide = decide
        self._state = state

    def when(self, command: Any) -> "When":
        """Execute a command."""
        return When(lambda: self._decide(command, self._state))


class When:
    """A command before its result is checked."""

    def __init__(self, decide: Callable[[], tuple[Any, ...]]) -> None:
        self._decide = decide

    def then(self, *events: Any) -> None:
        """Exactly these events follow."""
        assert self._decide() == events

    def then_nothing(self) -> None:
        """The command is accepted and changes nothing."""
        assert self._decide() == ()

    def then_refused(self, rule: str) -> None:
        """The rule of this name forbids it."""
        with pytest.raises(RuleBroken) as refusal:
            self._decide()
        assert refusal.value.rule == rule

    def then_invalid(self, field: str) -> None:
        """The value of this field is not acceptable."""
        with pytest.raises(InvalidValue) as refusal:
            self._decide()
        assert refusal.value.field == field

    def then_raises(self, error: type[DomainError]) -> None:
        """An error of this class is raised."""
        with pytest.raises(error):
            self._decide()
