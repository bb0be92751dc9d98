"""A reader of the console without a browser."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from ordersaga.access.roles import Role
from ordersaga.console.sessions import SESSION
from tests.support.api.shop import ApiShop, Reply

PAGES: Final = (
    "/",
    "/inbox",
    "/orders",
    "/orders?status=cancelled&needs_attention=true",
    "/orders/done",
    "/orders/gone",
    "/orders/busy",
    "/orders/draft",
    "/orders/gone?position=30",
    "/orders/gone/why",
    "/orders/gone/events",
    "/orders/busy/act/cancel",
    "/orders/busy/act/amend",
    "/orders/done/open-return",
    "/orders/done/returns/R1/act/refund_return",
    "/orders/done/returns/R1/act/restock_return",
    "/orders/done/parcel/act/resolve_parcel",
    "/returns",
    "/parcels",
    "/stock",
    "/stock/10001",
    "/money",
    "/providers",
    "/projections",
    "/projections/current_orders/rebuild",
    "/projections/current_orders/replay?stream=order-future",
    "/notifications",
    "/audit",
    "/search?q=go",
    "/customers/nobody",
)
"""Every page, over the orders of the story of verification."""

_FIELD: Final = re.compile(r'name="(csrf|key)" value="([^"]+)"')


class Reader:
    """Somebody who is signed in with the token of a role."""

    def __init__(self, shop: ApiShop, token: str) -> None:
        self._shop = shop
        self._token = token

    @classmethod
    def of(cls, shop: ApiShop, role: Role) -> "Reader":
        """With the token of a role."""
        return cls(shop, shop.tokens[role])

    async def get(self, path: str, **headers: str) -> Reply:
        """Open a page."""
        return await self._ask("GET", path, headers)

    async def post(self, path: str, fields: Mapping[str, Any], **headers: str) -> Reply:
        """Send a form, as it is given."""
        form = urlencode(fields, doseq=True).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._ask("POST", path, kind | headers, form)

    async def send(self, page: str, to: str, **fields: Any) -> Reply:
        """Open a page and send its form, with its hidden marks."""
        hidden = dict(_FIELD.findall((await self.get(page)).text))
        return await self.post(to, hidden | fields)

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        cookie = {"Cookie": f"{SESSION}={self._token}"} if self._token else {}
        url = f"{self._shop.url}/console{path}"
        async with self._shop.http.request(
            method, url, data=body, headers=cookie | dict(headers), allow_redirects=False
        ) as answer:
            return Reply(answer.status, await answer.text(), answer.headers)
