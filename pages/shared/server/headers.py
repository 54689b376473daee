"""What every answer tells the browser: whose pages may frame the app, and to take content for what it is said to be."""

from collections.abc import Sequence

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STARTS = ("http.response.start", "websocket.http.response.start", "websocket.accept")


def security_headers(ancestors: Sequence[str] = ()) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that each answer has.

    Args:
        ancestors: Other sites that may show the app in a frame, such as `https://learn.school.example`.
    """
    # A frame of any other site could lay the app below buttons of its own.
    sites = " ".join(["'self'", *ancestors])
    policy = f"frame-ancestors {sites}; base-uri 'self'; object-src 'none'"
    headers = [
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),  # an address of a page holds the draft of a network
    ]
    if not ancestors:  # the older header knows no list, and would shut out the sites above in old browsers
        headers.append(("x-frame-options", "SAMEORIGIN"))
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)


class SecurityHeaders:
    """Adds the headers to each answer of the app, refused ones and failures included, unless it has its own."""

    def __init__(self, app: ASGIApp, ancestors: Sequence[str] = ()) -> None:
        self._app = app
        self._headers = security_headers(ancestors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] in _STARTS:
                begun = True
                own = list(message.get("headers", ()))
                names = {name.lower() for name, _ in own}
                message = {**message, "headers": own + [each for each in self._headers if each[0] not in names]}
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception:
            if scope["type"] == "http" and not begun:  # else it would be answered outside of this, without them
                await PlainTextResponse("Internal Server Error", 500)(scope, receive, with_headers)
            raise
