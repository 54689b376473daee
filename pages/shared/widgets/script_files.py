"""The scripts of components as files of this server, so that no message of a page carries them.

Streamlit sends a component's script along each time the component is drawn. One that is served as a file is fetched
once by each browser.
"""

import hashlib

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PATH = "/widgets"
_STUB = 'const file = await import(new URL("{}", document.baseURI).href);\nexport default file.default;\n'
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # the name holds a hash of the content
_files: dict[str, str] = {}
_serving = False


def routes() -> list[Route]:
    """Return the routes of the scripts, for the app that serves them; components that are made from now on use them."""
    global _serving
    # The address of a page tells where the files are only while the app lies at the root of its server.
    _serving = not st.get_option("server.baseUrlPath")
    return [Route(_PATH + "/{name}", _answer)]


def script_file(name: str, text: str) -> str:
    """Return the script to make a component with: one that fetches `text`, or where nothing serves it `text` itself."""
    if not _serving:
        return text
    file = f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.js"
    _files[file] = text
    return _STUB.format(f".{_PATH}/{file}")


async def _answer(request: Request) -> Response:
    text = _files.get(request.path_params["name"])
    if text is None:
        return Response(status_code=404)
    return Response(text, media_type="text/javascript", headers=_FOREVER)
