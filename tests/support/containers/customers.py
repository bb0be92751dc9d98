"""Who places orders through the published port of the API, whatever happens behind it."""

import json
import threading
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

from ordersaga.console.sessions import SESSION

_LIMIT_S: Final = 20.0
_AGAIN_AFTER_S: Final = 0.5
_GIVES_UP_AFTER: Final = 600
_IS_IN: Final = (200, 201)
_NOT_NOW: Final = (429, 500, 502, 503, 504)


class Api:
    """The HTTP API and the console, as a program and a person reach them.

    Args:
        address: of the published port.
        token: of a service or of a person.
    """

    def __init__(self, address: str, token: str) -> None:
        self._place = urlsplit(address).netloc
        self._token = token

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, str]:
        """One request; returns status and body.

        Raises:
            OSError, HTTPException: there was no answer.
        """
        connection = HTTPConnection(self._place, timeout=_LIMIT_S)
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Cookie": f"{SESSION}={self._token}",
            "Content-Type": "application/json",
            **({"Idempotency-Key": key} if key else {}),
        }
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


class Customers:
    """Place documents one after another in a thread; the same request again until it is answered.

    Args:
        api: where to.
        documents: the orders.
        pause_s: seconds between two of them.
    """

    def __init__(self, api: Api, documents: Sequence[Mapping[str, Any]], pause_s: float) -> None:
        self.placed = 0
        self.repeated = 0
        self._api = api
        self._documents = documents
        self._pause_s = pause_s
        self._hurry = threading.Event()
        self._refusal = ""
        self._thread = threading.Thread(target=self._place_all, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Place the others without a pause, and return when all are in.

        Raises:
            RuntimeError: one was refused, or got no answer.
        """
        self._hurry.set()
        self._thread.join()
        if self._refusal:
            raise RuntimeError(self._refusal)

    def _place_all(self) -> None:
        for document in self._documents:
            self._refusal = self._place(document)
            if self._refusal:
                return
            self.placed += 1
            self._hurry.wait(self._pause_s)

    def _place(self, document: Mapping[str, Any]) -> str:
        """Returns why it is refused; nothing if it is in."""
        said = ""
        for _ in range(_GIVES_UP_AFTER):
            try:
                key = f"rehearsal-{document['order_id']}"
                status, said = self._api.ask("POST", "/orders", document, key)
            except (OSError, HTTPException) as error:
                status, said = 503, str(error)
            if status in _IS_IN:
                return ""
            if status not in _NOT_NOW:
                break
            self.repeated += 1
            threading.Event().wait(_AGAIN_AFTER_S)
        return f"order {document['order_id']}: {said}"
