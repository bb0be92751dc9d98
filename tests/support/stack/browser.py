"""Headless Chromium over its own debugging protocol: open a page, wait for words, take a picture.

Only for making the pictures in the documents; nothing in the test suite needs a browser.
"""

import asyncio
import base64
import contextlib
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
_PATIENCE_S = 60.0
_TRIES = 4

# What the page says; texts in Markdown stand in frames of their own.
_TEXT = """
(document.body ? document.body.innerText : '') + [...document.querySelectorAll('iframe')]
  .map(frame => frame.srcdoc + decodeURIComponent((frame.src || '').replaceAll('+', ' '))).join(' ')
"""

# The middle of the first visible element that fits a selector and holds some words.
_MIDDLE = """
(() => {
  const seen = element => element.getClientRects().length > 0
    && getComputedStyle(element).visibility === 'visible';
  const found = [...document.querySelectorAll(%s)]
    .find(element => seen(element) && element.innerText.includes(%s));
  if (!found) return null;
  found.scrollIntoView({block: 'nearest'});
  const box = found.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})()
"""


class Page:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One call of the debugging protocol.

        Raises:
            RuntimeError: the browser refused it.
        """
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                answer = json.loads(await self._socket.receive_str())
                if answer.get("id") == number:
                    break
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return dict(answer["result"])

    async def evaluate(self, script: str) -> Any:
        """The value of a script in the page."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return answer["result"].get("value")

    async def open(self, url: str, *words: str, width: int = 1280, height: int = 800) -> None:
        """Show a page and wait until it holds all the words."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        for tries_left in reversed(range(_TRIES)):
            await self.call("Page.navigate", url=url)
            try:
                for each in words:
                    await self.wait_for(each)
            except AssertionError:  # a busy server answers the page's questions too late
                if not tries_left:
                    raise
            else:
                return

    async def wait_for(self, words: str) -> None:
        """Wait until the page shows the words.

        Raises:
            AssertionError: it does not; says what it shows instead.
        """
        wanted = json.dumps(words)
        script = f"({_TEXT}).includes({wanted})"
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not await self.evaluate(script):  # noqa: ASYNC110  another process
                    await asyncio.sleep(0.1)
        except TimeoutError:
            shown = await self.evaluate(_TEXT)
            raise AssertionError(f"the page does not show {words!r} but: {shown}") from None

    async def click(self, selector: str, words: str = "") -> None:
        """Click the middle of the first element that is visible, fits and holds the words.

        Raises:
            AssertionError: there is none.
        """
        script = _MIDDLE % (json.dumps(selector), json.dumps(words))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                while not await self.evaluate(script):  # noqa: ASYNC110  another process
                    await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)  # what slides in has arrived
        middle = await self.evaluate(script)
        assert middle, f"nothing to click: {selector} {words!r}"
        for kind in ("mousePressed", "mouseReleased"):
            where = {"x": middle[0], "y": middle[1], "button": "left", "clickCount": 1}
            await self.call("Input.dispatchMouseEvent", type=kind, **where)

    async def write(self, text: str) -> None:
        """Type into what was clicked last."""
        await self.call("Input.insertText", text=text)

    async def picture(self, path: Path) -> None:
        """Save what is shown as a PNG."""
        await asyncio.sleep(1)  # animations
        answer = await self.call("Page.captureScreenshot", format="png", optimizeForSpeed=False)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(answer["data"]))


@asynccontextmanager
async def opened_page() -> AsyncIterator[Page]:
    """A page of a browser of its own, with a profile that is thrown away."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or "google-chrome"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            *(program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            address = await _address(Path(profile) / "DevToolsActivePort")
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(address, max_msg_size=0) as socket,
            ):
                yield Page(socket)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _address(port_file: Path) -> str:
    """Where the browser's one page can be steered."""
    async with asyncio.timeout(_PATIENCE_S):
        while not (port := _port(port_file)):  # noqa: ASYNC110  another process
            await asyncio.sleep(0.1)
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{port}/json/list") as answer,
        ):
            pages = await answer.json()
    return str(next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"))


def _port(port_file: Path) -> str:
    """The port that the browser chose; empty until it has written it down."""
    first, newline, _ = (port_file.read_text() if port_file.exists() else "").partition("\n")
    return first if newline else ""
