"""Connections that say nothing, and more of them than the server holds."""

import asyncio
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import uvicorn
from starlette.responses import PlainTextResponse

from pages.shared.server import connections

MOST = 4


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    """Serve something on a free port, with few connections at once."""

    async def app(scope, receive, send):
        await PlainTextResponse("here")(scope, receive, send)

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error"))
        async with connections.bounded_connections(MOST):
            serving = asyncio.create_task(server.serve([listening]))
            while not server.started:
                await asyncio.sleep(0.01)
            yield listening.getsockname()[1]
            server.should_exit = True
            await serving


async def visit() -> tuple[list[bytes], bytes, bytes]:
    """Return what silent connections and one too many get, and what a visitor gets after them."""
    async with served() as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST)]
        silent[0][1].write(b"GET / HTTP/1.1\r\nHost: ")  # and never more
        too_many, writer = await asyncio.open_connection("127.0.0.1", port)
        refused = await ended(too_many)
        answers = [await ended(reader) for reader, _ in silent]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return answers, refused, await reader.read()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the other side hangs up."""
    try:
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionResetError:
        return b""


def test_silent_connections_are_closed_and_one_too_many_at_once(monkeypatch):
    monkeypatch.setattr(connections, "SILENT_SECONDS", 0.2)
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.05)
    with ThreadPoolExecutor(1) as thread:  # a browser of other tests has an event loop in this one
        answers, refused, after = thread.submit(asyncio.run, visit()).result()
    assert answers == [b""] * MOST and refused == b""
    assert after.endswith(b"here")
