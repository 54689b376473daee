"""Who may open the app by which name: what is said at the start, and to a browser that came by another name."""

import html
import logging
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import streamlit as st
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

HEALTH = "/_stcore/health"  # asked by whoever watches over the server, by any name
_EVERYWHERE = ("0.0.0.0", "::")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>ConvScope does not answer to this name</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 0 auto; padding: 12vh 1.25rem 2rem;
  color: #1a2322; background: #fff; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; }}
pre {{ background: #f3f6f5; border: 1px solid #d5dcda; border-radius: .5rem; padding: .75rem 1rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #e6ecea; background: #101516; }} pre {{ background: #1a2122; border-color: #344041; }}
}}
</style></head><body>
<h1>ConvScope does not answer to {shown}</h1>
<p>It answers only to {known}, so that no other web site can reach it through your browser.</p>
<p>Whoever runs it can let this name in, with one line in <code>.streamlit/config.toml</code>, below
<code>[server]</code>; it takes effect at once:</p>
<pre>{line}</pre>
<p>Then load this page again.</p>
</body></html>"""


def announce() -> None:
    """Say where the app is found."""
    logging.getLogger("uvicorn.access").disabled = True  # else a line each request, once the settings were changed
    print(greeting(), flush=True)


def allowed_hosts() -> list[str]:
    """Return the names that the app answers to; none are all of them."""
    return list(st.get_option("server.allowedHosts"))


def host_line(host: str) -> str:
    """Return the line of the settings that lets one more name in."""
    names = ", ".join(f'"{name}"' for name in dict.fromkeys([*allowed_hosts(), host]))
    return f"allowedHosts = [{names}]"


class RefusedHost:
    """Answers what is asked under a name that is not allowed, instead of the app.

    Streamlit itself refuses such a name too, but only when the page that it sent connects: the visitor would look at
    an empty page. Nothing that is refused there is allowed here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] == "http" and scope["path"] != base_path() + HEALTH:
            named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
            if allowed_hosts() and (len(named) != 1 or not is_host_allowed(named[0])):
                await refusal(named[0] if named else "")(scope, receive, send)
                return
        await self._app(scope, receive, send)


def refusal(host: str) -> HTMLResponse:
    """Return the page for a name that is not allowed; `host` is whatever the browser sent."""
    name = _hostname(host)
    page = _PAGE.format(
        shown=f"“{html.escape(name)}”" if name else "this name",
        known=html.escape(" and ".join(allowed_hosts())),
        line=html.escape(host_line(name or "the-name-of-this-machine")),
    )
    return HTMLResponse(page, status_code=403, headers={"Cache-Control": "no-store"})


def _hostname(host: str) -> str:
    """Return the name in a Host header without its port; nothing where it holds what no name does."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    plain = name.replace("-", "").replace(".", "").replace(":", "").replace("_", "")
    return name if plain.isascii() and plain.isalnum() and len(name) <= 253 else ""


def greeting(addresses: Callable[[], list[str]] | None = None) -> str:
    """Return what is said at the start: where the app is found, and what does not lead there yet.

    Args:
        addresses: Returns this machine's names and numbers in the network; by default what the system knows.
    """
    bound, port = st.get_option("server.address") or "0.0.0.0", st.get_option("server.port")
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    names = ["localhost"]
    if bound in _EVERYWHERE:
        names += (addresses or _addresses)()
    elif bound not in ("127.0.0.1", "::1", "localhost"):
        names = [bound]
    open_to = [name for name in names if is_host_allowed(_bracketed(name))]
    shut = [name for name in names if name not in open_to]
    lines = ["", "  ConvScope runs here:"]
    lines += [f"    {scheme}://{_bracketed(name)}:{port}{base_path()}" for name in open_to]
    if shut:
        lines += [
            f"  Not by {', '.join(shut)}: below [server] in .streamlit/config.toml, write for example",
            f"    {host_line(shut[0])}",
        ]
    return "\n".join([*lines, ""])


def phone_address(page: str, addresses: Callable[[], list[str]] | None = None) -> tuple[str, str]:
    """Return the address by which a phone in the same network reaches the app, or nothing and what to do about it.

    Args:
        page: The address by which the visitor came.
        addresses: As in `greeting`.
    """
    parts = urlsplit(page)
    if parts.scheme in ("http", "https") and parts.hostname and not _is_this_machine(parts.hostname):
        return f"{parts.scheme}://{parts.netloc}{base_path()}", ""  # a phone comes as the visitor came
    bound, port = st.get_option("server.address") or "0.0.0.0", st.get_option("server.port")
    names = (addresses or _addresses)() if bound in _EVERYWHERE else [bound]
    names = [name for name in names if not _is_this_machine(name)]
    names.sort(key=lambda name: not name.replace(".", "").isdecimal())  # few phones know the names of computers
    for name in names:
        if is_host_allowed(_bracketed(name)):
            scheme = "https" if st.get_option("server.sslCertFile") else "http"
            return f"{scheme}://{_bracketed(name)}:{port}{base_path()}", ""
    if bound in _EVERYWHERE and names:
        line = host_line(names[0])
        return "", f"Phones are not let in yet: write `{line}` below [server] in .streamlit/config.toml."
    if bound in _EVERYWHERE:
        return "", "This computer is in no network that a phone could reach it by: connect it, and come back."
    known = (addresses or _addresses)()
    line = host_line(known[-1] if known else "the-address-of-this-computer")
    return "", (
        "Only this computer reaches the app: start it with `streamlit run app.py --server.address 0.0.0.0`, and write "
        f"`{line}` below [server] in .streamlit/config.toml."
    )


def _is_this_machine(name: str) -> bool:
    return name == "localhost" or name.startswith("127.") or name == "::1" or name in _EVERYWHERE


def base_path() -> str:
    """Return the path that the app lies below, with a slash before it; empty at the root of its server."""
    path = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _addresses() -> list[str]:
    """Return the name of this machine and its number in the network; nothing is sent for that."""
    names = [socket.gethostname()]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of the range for documentation: only the way there is looked up
            names.append(probe.getsockname()[0])
        except OSError:
            pass
    return [name for name in dict.fromkeys(names) if name and not name.startswith("127.")]
