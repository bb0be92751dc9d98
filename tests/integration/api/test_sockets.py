"""Answers leave at once: their parts do not wait for the client to confirm the one before."""

import asyncio
import socket

from ordersaga.api.serving import listen


async def _sends_at_once(listener: socket.socket) -> bool:
    """Whether a connection that a server accepts there has TCP_NODELAY."""
    seen: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted_socket = writer.get_extra_info("socket")
        seen.set_result(bool(accepted_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    server = await asyncio.start_server(accepted, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection(*listener.getsockname())
        writer.close()
        return await seen


async def test_the_api_sends_at_once() -> None:
    assert await _sends_at_once(listen("127.0.0.1", 0))


async def test_a_socket_that_names_no_protocol_would_not() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    assert not await _sends_at_once(listener)
