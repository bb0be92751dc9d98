"""Where the console is."""

from typing import Final
from urllib.parse import urlencode

ROOT: Final = "/console"


def entrance(api_url: str, token: str) -> str:
    """The address that signs in with a token; whoever has it can act with the token."""
    return f"{api_url}{ROOT}/sign-in?{urlencode({'token': token})}"


def order_page(api_url: str, order_id: str) -> str:
    """The address of an order."""
    return f"{api_url}{ROOT}/orders/{order_id}"
