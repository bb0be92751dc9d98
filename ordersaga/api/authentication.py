"""Who asks: the token of a request, its rate, and its right to the operation."""

import math
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ordersaga.access.oidc.errors import IssuerUnavailable, NotAdmitted, TokenRefused
from ordersaga.access.refusals import keep_refusal
from ordersaga.access.tokens import Token
from ordersaga.api.callers import TokenCache
from ordersaga.api.context import Context, context_of
from ordersaga.api.problems import FORBIDDEN, RATE_LIMITED, UNAUTHENTICATED, Problem
from ordersaga.api.rights import RIGHTS

_log = structlog.stdlib.get_logger("ordersaga.api")
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
_bearer: Final = HTTPBearer(
    auto_error=False,
    bearerFormat="opaque or JWT",
    description="A token of `ordersaga token create`, or a JWT of the installation's OpenID "
    "Connect issuer whose audience is this API.",
)


async def authorise(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Token:
    """The token of a request, if it may do what it asks for.

    Raises:
        Problem: unauthenticated, rate_limited or forbidden.
    """
    context, operation = context_of(request), str(request.scope["route"].name)
    text = credentials.credentials if credentials else ""
    token = await identify(context, context.tokens, text, operation)
    request.state.actor = token.subject
    count(context, token.id)
    await admit(context, token, operation)
    return token


async def identify(context: Context, tokens: TokenCache, text: str, operation: str) -> Token:
    """The token of a text.

    Raises:
        Problem: unauthenticated, rate_limited, or forbidden as its holder has no role.
    """
    try:
        token = await tokens.find(text)
    except TokenRefused as error:
        raise Problem(UNAUTHENTICATED, str(error), headers=_CHALLENGE) from None
    except NotAdmitted as error:
        count(context, error.token_id)
        raise await not_admitted(context, error, operation) from None
    if token is None:
        raise Problem(UNAUTHENTICATED, headers=_CHALLENGE)
    return token


async def not_admitted(context: Context, error: NotAdmitted, operation: str) -> Problem:
    """Keep that somebody without a role was refused, by the id of the subject alone."""
    _log.warning("refused", actor=error.token_id, operation=operation)
    await keep_refusal(context.services.pool, error.token_id, error.token_id, operation, str(error))
    return Problem(FORBIDDEN, str(error))


def count(context: Context, token_id: str) -> None:
    """Count a request of a token; raises Problem, rate_limited."""
    if wait_s := context.limiter.wait_s(token_id):
        raise Problem(RATE_LIMITED, headers={"Retry-After": str(math.ceil(wait_s))})


async def admit(context: Context, token: Token, operation: str) -> None:
    """Let a token do what it has a right to; keeps what was refused. Raises Problem, forbidden."""
    if why := RIGHTS[operation].problem(token):
        _log.warning("refused", actor=token.subject, operation=operation)
        await keep_refusal(context.services.pool, token.actor, token.id, operation, why)
        raise Problem(FORBIDDEN, why)


async def is_still_valid(tokens: TokenCache, text: str) -> bool:
    """Whether the token of a request that goes on may still be used; raises StoreUnavailable."""
    try:
        return await tokens.accepted(text) is not None
    except IssuerUnavailable:
        return False


Caller = Annotated[Token, Depends(authorise)]
"""The token of a request that may do what it asks for."""
