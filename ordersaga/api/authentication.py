"""Who asks: the token of a request, its rate, and its right to the operation."""

import math
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ordersaga.access.refusals import keep_refusal
from ordersaga.access.tokens import Token
from ordersaga.api.context import Context, context_of
from ordersaga.api.problems import FORBIDDEN, RATE_LIMITED, UNAUTHENTICATED, Problem
from ordersaga.api.rights import RIGHTS

_log = structlog.stdlib.get_logger("ordersaga.api")
_bearer: Final = HTTPBearer(auto_error=False, description="A token of `ordersaga token create`.")


async def authorise(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Token:
    """The token of a request, if it may do what it asks for.

    Raises:
        Problem: unauthenticated, rate_limited or forbidden.
    """
    context = context_of(request)
    token = await context.tokens.find(credentials.credentials) if credentials else None
    if token is None:
        raise Problem(UNAUTHENTICATED, headers={"WWW-Authenticate": "Bearer"})
    request.state.actor = token.actor
    count(context, token)
    await admit(context, token, str(request.scope["route"].name))
    return token


def count(context: Context, token: Token) -> None:
    """Count a request of a token; raises Problem, rate_limited."""
    if wait_s := context.limiter.wait_s(token.id):
        raise Problem(RATE_LIMITED, headers={"Retry-After": str(math.ceil(wait_s))})


async def admit(context: Context, token: Token, operation: str) -> None:
    """Let a token do what it has a right to; keeps what was refused. Raises Problem, forbidden."""
    if why := RIGHTS[operation].problem(token):
        await _refuse(context, token, operation, why)


async def is_still_valid(request: Request) -> bool:
    """Whether the token of a request that goes on may still be used; raises StoreUnavailable."""
    text = request.headers["Authorization"].partition(" ")[2]
    return await context_of(request).tokens.find(text) is not None


async def _refuse(context: Context, token: Token, operation: str, why: str) -> None:
    _log.warning("refused", actor=token.actor, operation=operation)
    await keep_refusal(context.services.pool, token.actor, token.id, operation, why)
    raise Problem(FORBIDDEN, why)


Caller = Annotated[Token, Depends(authorise)]
"""The token of a request that may do what it asks for."""
