"""What stands between browsers and Streamlit, and what runs beside it: all that `app.py` gives to `st.App`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware

from core.data.collection.registry import registry
from core.settings import settings
from pages.shared.server.connections import bounded_connections
from pages.shared.server.conversations import Conversations
from pages.shared.server.headers import SecurityHeaders
from pages.shared.server.hosts import RefusedHost, announce
from pages.shared.server.origins import ForeignOrigin
from pages.shared.server.upload_guard import UploadGuard


def middleware() -> list[Middleware]:
    """Return what each request passes, from the outside in; raises `ConvScopeError` where a setting is no good."""
    return [
        Middleware(SecurityHeaders, ancestors=settings().frame_ancestors),
        Middleware(RefusedHost),
        Middleware(ForeignOrigin),
        Middleware(UploadGuard),
        Middleware(Conversations),
    ]


@asynccontextmanager
async def beside(app: st.App) -> AsyncIterator[None]:
    """Run while the app is served."""
    async with bounded_connections(settings().max_connections):
        announce()
        try:
            yield
        finally:
            registry().close()
