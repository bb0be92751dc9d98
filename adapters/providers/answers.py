"""What a provider's answer means: one table, the same for payments and labels.

An answer is about the order only if the provider itself speaks: it uses its form of errors. What a
proxy or a wrong address answers says nothing.

    answer                                      meaning     error of the port
    400, 402, 404, 409, 410, 422 in its form    refused     GatewayRejected; a decline is a result
    401, 403, 407                               no access   GatewayRefusedAccess
    425, 429, 503; no connection                no effect   GatewayUnavailable, with Retry-After
    a failure that is kept for the key          used up     KeyUsedUp
    the key was used for something else         used up     KeyUsedUp
    everything else: other statuses, no         unknown     OutcomeUnknown; GatewayUnavailable if
    answer, one that cannot be read                         nothing was to be changed
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import aiohttp

from activities.ports import (
    GatewayError,
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    KeyUsedUp,
    OutcomeUnknown,
)


class Meaning(StrEnum):
    """What an answer means for the order; see the table above."""

    REFUSED = "refused"
    NO_ACCESS = "no access"
    NO_EFFECT = "no effect"
    USED_UP = "used up"
    UNKNOWN = "unknown"


MEANINGS: Final[Mapping[int, Meaning]] = {
    **dict.fromkeys((400, 402, 404, 409, 410, 422), Meaning.REFUSED),
    **dict.fromkeys((401, 403, 407), Meaning.NO_ACCESS),
    **dict.fromkeys((425, 429, 503), Meaning.NO_EFFECT),
}
"""By status; any other one is unknown."""


@dataclass(frozen=True, slots=True)
class Received:
    """An answer that is no success.

    Attributes:
        status: of HTTP.
        code: the provider's code for the error; empty: it is not in the provider's form.
        replayed: it is the answer to an earlier request with the same key.
        retry_after_s: after how long the provider wants to be asked again; None: it does not say.
    """

    status: int
    code: str = ""
    replayed: bool = False
    retry_after_s: float | None = None


def meaning_of(
    cause: Received | BaseException, meanings: Mapping[int, Meaning] = MEANINGS
) -> Meaning:
    """What an answer means, or the exception instead of one.

    Args:
        cause: the answer.
        meanings: by status, where a provider documents others.
    """
    if not isinstance(cause, Received):
        return _meaning_without_answer(cause)
    if cause.code == "idempotency_conflict" or (cause.replayed and cause.status >= 500):
        return Meaning.USED_UP
    meaning = meanings.get(cause.status, Meaning.UNKNOWN)
    return Meaning.UNKNOWN if meaning is Meaning.REFUSED and not cause.code else meaning


def _meaning_without_answer(error: BaseException) -> Meaning:
    if isinstance(error, aiohttp.InvalidURL):
        return Meaning.NO_ACCESS  # the address in our settings
    never = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return Meaning.NO_EFFECT if never else Meaning.UNKNOWN


def failure(
    what: str,
    cause: Received | BaseException,
    *,
    changes: bool,
    meanings: Mapping[int, Meaning] = MEANINGS,
) -> GatewayError:
    """The port's error for a call that failed; its text holds nothing of the answer but the code.

    Args:
        what: which call of which provider.
        cause: the answer, or the exception instead of one.
        changes: whether the call was to change anything.
        meanings: see `meaning_of`.
    """
    wait_s = None
    if isinstance(cause, Received):
        what = f"{what}: HTTP {cause.status} {cause.code}".rstrip()
        wait_s = cause.retry_after_s
    else:
        what = f"{what}: {type(cause).__name__}"  # its text can hold the URL or other data
    return error_of(meaning_of(cause, meanings), what, changes=changes, retry_after_s=wait_s)


def error_of(
    meaning: Meaning, what: str, *, changes: bool, retry_after_s: float | None = None
) -> GatewayError:
    """The port's error for a meaning."""
    unknown = OutcomeUnknown if changes else GatewayUnavailable
    kinds: dict[Meaning, type[GatewayError]] = {
        Meaning.REFUSED: GatewayRejected,
        Meaning.NO_ACCESS: GatewayRefusedAccess,
        Meaning.NO_EFFECT: GatewayUnavailable,
        Meaning.USED_UP: KeyUsedUp,
        Meaning.UNKNOWN: unknown,
    }
    return kinds[meaning](what, retry_after_s)
