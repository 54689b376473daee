"""Uploads on their way in: refused before or while they arrive, whatever their headers say of their size."""

import asyncio
import re

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime

from core.settings import settings
from pages.shared.server.conversations import tell
from pages.shared.server.uploads import FRAMING, MB, UploadAccount, accounts, full, held, too_large

PAUSE_SECONDS = 60.0  # how long nothing may arrive of a file that is under way
_RECOUNT = 8 * MB  # how often what others upload meanwhile is counted in
_ADDRESS = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)/?$")


class _RefusedUpload(Exception):
    """Ends an upload; holds the status and the sentence of the answer."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class UploadGuard:
    """Lets in files that a page of their session asked for, within the limits of the widget, visitor and server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        address = _ADDRESS.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if address is None:
            await self._app(scope, receive, send)
            return
        session, file = address.groups()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            status = status or message.get("status", 0)
            await send(message)

        try:
            await self._take(session, file, scope, receive, noting)
            if 200 <= status < 300:
                accounts[session].awaited.pop(file, None)
        except _RefusedUpload as refused:
            await tell(session, refused.words)
            if not status:
                # What is still to come of the file is not waited for.
                headers = (
                    {"Connection": "close"} if "chunked" in Headers(scope=scope).get("transfer-encoding", "") else {}
                )
                await PlainTextResponse(refused.words, refused.status, headers)(scope, receive, send)

    async def _take(self, session: str, file: str, scope: Scope, receive: Receive, send: Send) -> None:
        account = accounts.get(session)
        if account is None or not runtime.get_instance().is_active_session(session):
            raise _RefusedUpload(404, "Nobody looks at the page that this file is for: load the page again.")
        name = account.awaited.get(file)
        limit = account.largest(name) if name is not None else 0
        if name is None or not limit:
            raise _RefusedUpload(403, "No part of this page asks for this file: load the page again.")
        arriving = _Arriving(session, account, limit)
        try:
            arriving.check(_announced(scope))
            await self._app(scope, lambda: arriving.next(receive), send)
        finally:
            account.arriving -= arriving.bytes


def _announced(scope: Scope) -> int:
    """Return how many bytes the headers say that there are; 0 where they say nothing that can be read."""
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else 0


class _Arriving:
    """Counts a file while it arrives."""

    def __init__(self, session: str, account: UploadAccount, limit: int) -> None:
        self._session, self._account, self._limit = session, account, limit
        self.bytes = 0  # so far, counted among those of its visitor that are under way
        self._recounted = 0

    def check(self, more: int) -> None:
        """Raise `_RefusedUpload` where `more` bytes are too many: of this file, this visitor, or all visitors."""
        if self.bytes + more > self._limit + FRAMING:
            raise _RefusedUpload(413, too_large(self._limit))
        own = held(self._session)[1] + self._account.arriving
        if words := full(self._session, own, more, settings()):
            raise _RefusedUpload(413, words)

    async def next(self, receive: Receive) -> Message:
        """Return the next part of the file; raises `_RefusedUpload` where it is one too many, or none comes."""
        try:
            message = await asyncio.wait_for(receive(), PAUSE_SECONDS)
        except TimeoutError:
            raise _RefusedUpload(408, "The file stopped arriving: try again.") from None
        size = len(message.get("body", b""))
        if self.bytes + size > self._limit + FRAMING or self.bytes + size > self._recounted + _RECOUNT:
            self.check(size)
            self._recounted = self.bytes
        self.bytes += size
        self._account.arriving += size
        return message
