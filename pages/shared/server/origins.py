"""Which web sites may reach the app through a visitor's browser: its own address, and those that the settings name."""

from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_READS = ("GET", "HEAD")  # what they answer, no other site's script gets to see
_REFUSAL = (
    "ConvScope is asked from another web site, {}, and refuses: open it by its own address, or let that site in "
    "by server.corsAllowedOrigins in .streamlit/config.toml."
)


def own_origin(origin: str, host: str) -> bool:
    """Say whether a page of `origin` ("http://127.0.0.1:8501") comes from the server that is asked as `host`.

    Another port is another site: any program of the machine may serve there.
    """
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and parts.netloc.lower() == host.lower()


def _let_in(origin: str) -> bool:
    """Say whether the settings let an origin in that is not the app's own."""
    return not st.get_option("server.enableCORS") or origin in {
        each.strip() for each in st.get_option("server.corsAllowedOrigins")
    }


class ForeignOrigin:
    """Refuses what another web site asks of the app: its websocket, and all that changes something.

    Streamlit lets every port of this machine in, and looks up the machine's outside address on another machine to
    compare it: it is given an origin to judge only where that is decided already.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        asks = scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] not in _READS)
        headers = Headers(scope=scope) if asks else Headers()
        origin, host = headers.get("origin"), headers.get("host", "")
        if origin is None or own_origin(origin, host):
            await self._app(scope, receive, send)
        elif _let_in(origin):
            own = f"{urlsplit(origin).scheme}://{host}".encode("latin-1")
            kept = [(name, own if name == b"origin" else value) for name, value in scope["headers"]]
            await self._app({**scope, "headers": kept} if scope["type"] == "websocket" else scope, receive, send)
        elif scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
            await PlainTextResponse(_REFUSAL.format(ascii(origin[:200])), 403)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
