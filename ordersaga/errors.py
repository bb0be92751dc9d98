"""The errors of ordersaga's own programs; each class has one exit code.

OrderSagaError
├── Refused          1  the request is valid but cannot be carried out now
├── WrongUsage       2  the command line or an input file is wrong
│   └── WrongSetting 2  a setting is missing or wrong; the text names it
├── Unreachable      3  a required server does not answer, or its schema is missing
└── StoppedLate     75  a process did not finish its work within its drain limit
"""

from typing import ClassVar, Final

from domain import faults

REFUSED: Final = 1
WRONG_USAGE: Final = 2
UNREACHABLE: Final = 3
INTERNAL_ERROR: Final = 70
STOPPED_LATE: Final = 75
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


class OrderSagaError(Exception):
    """Ends a program with one line on stderr; the text is safe to show.

    `fault` is its entry in the one list of errors.
    """

    exit_code: ClassVar[int] = REFUSED
    fault: ClassVar[faults.Fault] = faults.REFUSED


class Refused(OrderSagaError):
    """The request is valid but cannot be carried out now."""


class WrongUsage(OrderSagaError):
    """The command line or an input file is wrong."""

    exit_code = WRONG_USAGE
    fault = faults.WRONG_USAGE


class WrongSetting(WrongUsage):
    """A setting is missing or has a wrong value."""


class Unreachable(OrderSagaError):
    """A required server does not answer or is not set up."""

    exit_code = UNREACHABLE
    fault = faults.UNREACHABLE


class StoppedLate(OrderSagaError):
    """A process was stopped and gave up running work, which is repeated elsewhere."""

    exit_code = STOPPED_LATE
    fault = faults.INTERRUPTED
