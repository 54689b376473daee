"""How many connections the server holds at once, and for how long it waits for one that says nothing.

Streamlit starts uvicorn with settings of its own, which bound neither. This is the one place that reaches into
uvicorn's protocol for HTTP; `tests/pages/test_server.py` says when it is not there any more.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import streamlit as st
from uvicorn.protocols.http.auto import AutoHTTPProtocol

MB = 2**20
SILENT_SECONDS = 20.0  # until the headers of a request are here
SWEEP_SECONDS = 2.0


@asynccontextmanager
async def bounded_connections(most: int) -> AsyncIterator[None]:
    """Hold at most so many connections while the server runs, and close those that ask for nothing."""
    _allow_files(most + 512)
    since: dict[Any, float] = {}  # by connection: when it began to say nothing
    made = AutoHTTPProtocol.connection_made

    def connection_made(protocol: Any, transport: asyncio.Transport) -> None:
        protocol.config.ws_max_size = int(st.get_option("server.maxWidgetStateSize")) * MB  # of what browsers send
        made(protocol, transport)
        if len(protocol.connections) > most:
            transport.abort()
        else:
            since[protocol] = time.monotonic()

    async def sweep() -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for protocol, began in list(since.items()):
                if protocol not in protocol.connections:  # closed, or a websocket by now
                    del since[protocol]
                elif protocol.cycle is not None and not protocol.cycle.response_complete:
                    since[protocol] = now
                elif now - began > SILENT_SECONDS:
                    protocol.transport.abort()

    AutoHTTPProtocol.connection_made = connection_made
    sweeping = asyncio.create_task(sweep())
    try:
        yield
    finally:
        AutoHTTPProtocol.connection_made = made
        sweeping.cancel()


def _allow_files(count: int) -> None:
    """Let this process have so many files and connections open, as far as the system lets it."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
