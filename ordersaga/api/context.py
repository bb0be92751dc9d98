"""What the operations of the API work with."""

import asyncio
import time
from typing import Final

from fastapi import Request
from temporalio.client import Client

from ordersaga.access.identities import Identities, Provider
from ordersaga.access.oidc.login import Login
from ordersaga.access.requests import Requests
from ordersaga.access.tokens import Tokens
from ordersaga.api.callers import RateLimiter, TokenCache
from ordersaga.api.live import LiveFeed
from ordersaga.bootstrap.wiring import Services
from ordersaga.errors import Unreachable

_TRY_AGAIN_AFTER_S: Final = 2.0


class Context:
    """The services of a process of the API.

    Attributes:
        services: of the composition root.
        tokens: who asks the API.
        sessions: who looks at the console.
        login: logs people in with the issuer; None: there is none.
        limiter: how often each token may ask this process.
        requests: idempotency keys.
        live: streams of changes.
    """

    def __init__(
        self, services: Services, limiter: RateLimiter, provider: Provider | None = None
    ) -> None:
        own = Tokens(services.pool)
        bearer, session = (provider.bearer, provider.session) if provider else (None, None)
        self.services = services
        self.tokens = TokenCache(Identities(own, bearer))
        self.sessions = TokenCache(Identities(own, session))
        self.login: Login | None = provider.login if provider else None
        self.limiter = limiter
        self.requests = Requests(services.pool)
        self.live = LiveFeed(services)
        self._connecting = asyncio.Lock()
        self._away_until = 0.0

    async def temporal(self) -> Client:
        """The Temporal client, connected at its first use; many requests share one attempt.

        Raises:
            Unreachable: Temporal does not answer.
        """
        async with self._connecting:
            if time.monotonic() < self._away_until:
                raise Unreachable("Temporal does not answer")
            try:
                return await self.services.temporal()
            except Unreachable:
                self._away_until = time.monotonic() + _TRY_AGAIN_AFTER_S
                raise


def context_of(request: Request) -> Context:
    """The context that the process was started with."""
    context: Context = request.app.state.context
    return context
