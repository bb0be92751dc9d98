"""Clients that are slow, endless, many or idle, on real sockets: each ends, others are served."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from ordersaga.access.roles import Role
from ordersaga.api import connections, guard, serving
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.api.shop import ApiShop, opened_api
from tests.support.stores.postgres import fresh_database

SHORT_S = 0.5
MOST = 20


@pytest.fixture(scope="module")
async def shop(postgres_server: EmbeddedPostgres) -> AsyncIterator[ApiShop]:
    """An API whose limits are short, with room for a few connections."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "HEADERS_WITHIN_S", SHORT_S)
        patch.setattr(connections, "READ_WITHIN_S", SHORT_S)
        patch.setattr(guard, "BODY_WITHIN_S", SHORT_S)
        patch.setattr(serving, "MOST_CONNECTIONS", MOST)
        async with (
            fresh_database(postgres_server) as database,
            opened_api(database, api_rate_per_s=10) as opened,
        ):
            yield opened


async def connected(shop: ApiShop) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", shop.settings.api_port)


def head(shop: ApiShop, *lines: str) -> bytes:
    token = shop.tokens[Role.ADMIN]
    first = ("POST /orders HTTP/1.1", "Host: x", f"Authorization: Bearer {token}")
    return "\r\n".join([*first, "Idempotency-Key: k", *lines, "", ""]).encode()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server ends the connection."""
    got = b""
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(65536):
                got += part
    return got


async def test_a_connection_that_says_nothing_is_ended(shop: ApiShop) -> None:
    reader, writer = await connected(shop)
    assert await until_closed(reader) == b""
    writer.close()


async def test_a_head_that_comes_byte_by_byte_is_ended(shop: ApiShop) -> None:
    reader, writer = await connected(shop)

    async def drip() -> None:
        with contextlib.suppress(ConnectionError):
            for byte in head(shop) * 100:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    assert await until_closed(reader) == b""
    dripping.cancel()
    writer.close()


async def test_a_connection_may_rest_after_an_answer_but_not_for_long(shop: ApiShop) -> None:
    reader, writer = await connected(shop)
    writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await until_closed(reader)).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_body_that_does_not_come_is_answered(shop: ApiShop) -> None:
    reader, writer = await connected(shop)
    writer.write(head(shop, "Content-Length: 100") + b"{")
    answer = await until_closed(reader)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request_too_slow" in answer
    writer.close()


async def test_a_body_that_says_that_it_is_too_long_is_not_read(shop: ApiShop) -> None:
    reader, writer = await connected(shop)
    writer.write(head(shop, "Content-Length: 2000001"))
    answer = await until_closed(reader)
    assert answer.startswith(b"HTTP/1.1 413")
    writer.close()


async def test_a_body_without_end_is_cut_off(shop: ApiShop) -> None:
    reader, writer = await connected(shop)
    writer.write(head(shop, "Transfer-Encoding: chunked"))
    part = b"x" * 65536
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 50_000_000:
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await writer.drain()
            sent += len(part)
            if reader.at_eof():
                break
    assert sent < 50_000_000
    writer.close()


async def test_headers_have_a_limit(shop: ApiShop) -> None:
    reader, writer = await connected(shop)
    writer.write(head(shop, *(f"X-{n}: " + "y" * 4000 for n in range(10))))
    answer = await until_closed(reader)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert b"HTTP/1.1 422" not in answer
    writer.close()


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x00\xf4", b"GET\r\n\r\n", b"\0" * 100])
async def test_what_is_no_http_is_refused(shop: ApiShop, junk: bytes) -> None:
    reader, writer = await connected(shop)
    writer.write(junk)
    answer = await until_closed(reader)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    writer.close()


async def test_a_client_that_does_not_read_is_ended(shop: ApiShop) -> None:
    reader, writer = await connected(shop)
    reader._transport.pause_reading()  # type: ignore[attr-defined]  # the kernel's buffers fill
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(60):
            while not writer.is_closing():
                writer.write(ask)
                await writer.drain()
                await asyncio.sleep(0.01)
    assert writer.is_closing()


async def test_idle_connections_make_room_for_one_that_asks(shop: ApiShop) -> None:
    idle = [await connected(shop) for _ in range(3 * MOST)]
    reader, writer = await connected(shop)
    writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await until_closed(reader)).startswith(b"HTTP/1.1 200")
    for each in (writer, *(other for _, other in idle)):
        each.close()
        with contextlib.suppress(ConnectionError):
            await each.wait_closed()


async def test_a_token_that_asks_too_often_waits_and_others_do_not(shop: ApiShop) -> None:
    eager = await shop.new_token(Role.ADMIN)
    replies = [await shop.get("/stock", token=eager) for _ in range(60)]
    limited = [reply for reply in replies if reply.status == 429]
    assert limited
    assert limited[0].code == "rate_limited"
    assert int(limited[0].headers["Retry-After"]) >= 1
    assert (await shop.get("/stock", role=Role.SUPPORT)).status == 200


async def test_a_method_or_address_that_is_not_there_is_a_problem(shop: ApiShop) -> None:
    assert (await shop.ask("DELETE", "/orders")).code == "method_not_allowed"
    assert (await shop.get("/nothing")).code == "not_found"
    assert "access-control-allow-origin" not in (await shop.get("/nothing")).headers
