"""Where phones send pictures: an address that holds a code, and leads into one class of one visitor and nowhere else.

The files of a form are taken one by one while they arrive, each within its limits: those that came in before a phone
is out of reach are in the class, and nothing is left of the one that was under way.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from core.data.collection.collection import Collection, Incoming, Picture
from core.data.collection.registry import registry
from core.errors import ConvScopeError, DataError
from pages.shared.server.hosts import base_path
from pages.shared.server.phone_page import Sent, form_page, refusal_page
from pages.shared.server.release import stir
from pages.shared.server.uploads import FRAMING, MB

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PATH = "/phone"
PAUSE_SECONDS = 30.0  # for which nothing may arrive of a form
OUTCOME_SECONDS = 6.0  # until the answer no longer waits for what the pictures turn out to be
MOST_FILES, MOST_MB = 200, 512  # of one form
MOST_FORMS = 64  # at once
_BUSY = "Very many pictures arrive at this moment: try again in a few seconds."
_forms = 0  # under way; used by the thread of the server's event loop only


def routes() -> list[Route]:
    """Return the route, for the app that serves it."""
    return [Route(f"{base_path()}{PATH}/{{code}}", _answer, methods=["GET", "POST"])]


async def _answer(request: Request) -> Response:
    global _forms
    try:
        ticket = registry().codes.find(request.path_params["code"])
        collection = registry().find(ticket.collection)
        if collection is None:
            raise DataError("The page that showed this code was left: scan the code that the screen shows now.")
        name = collection.box(ticket.box).name
    except ConvScopeError as error:
        return refusal_page(str(error), 404)
    if request.method != "POST":
        return form_page(name)
    if _forms >= MOST_FORMS:
        return form_page(name, Sent(left_out=[("All", _BUSY)]), status=503)
    _forms += 1
    try:
        return await _take(request, collection, ticket.box, name)
    finally:
        _forms -= 1


async def _take(request: Request, collection: Collection, box: str, name: str) -> Response:
    form = _Form(collection, box)
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        return form_page(name, Sent(left_out=[("All", "No pictures were sent: choose some first.")]), status=400)
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > MOST_MB * MB + FRAMING:
        words = f"More than {MOST_MB} MB at once: send fewer pictures at a time."
        return form_page(name, Sent(left_out=[("All", words)]), status=413)
    status = 200
    try:
        parser = MultipartParser(options[b"boundary"], form.callbacks())
        async for piece in _pieces(request):
            stir()
            parser.write(piece)
        parser.finalize()
        if form.is_open:
            raise FormParserError
    except (FormParserError, TimeoutError):
        form.leave_out("The rest did not arrive: send it again.")
        status = 400
    except _TooMuch as error:
        form.leave_out(str(error))
        status = 413
    except ClientDisconnect:
        form.leave_out("The phone was gone before all of it had arrived.")
        return Response(status_code=400)  # which nobody hears
    finally:
        form.end()
    if form.arrived:
        outcomes = [asyncio.wrap_future(picture.outcome) for picture in form.arrived]
        await asyncio.wait(outcomes, timeout=OUTCOME_SECONDS)
    return form_page(name, form.sent(), status=status)


class _TooMuch(Exception):
    """A form holds more than is taken at once."""


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """Yield the body of a request; raises `TimeoutError` where nothing comes, and `_TooMuch`."""
    total, stream = 0, request.stream().__aiter__()
    while True:
        try:
            piece = await asyncio.wait_for(anext(stream), PAUSE_SECONDS)
        except StopAsyncIteration:
            return
        total += len(piece)
        if total > MOST_MB * MB + FRAMING:
            raise _TooMuch(f"More than {MOST_MB} MB at once: send fewer pictures at a time.")
        yield piece


class _Form:
    """What a form brings into a class, file by file."""

    def __init__(self, collection: Collection, box: str) -> None:
        self._collection, self._box = collection, box
        self._left_out: list[tuple[str, str]] = []
        self.arrived: list[Picture] = []
        self._field, self._value, self._disposition = b"", b"", b""
        self._name, self._files = "", 0
        self._incoming: Incoming | None = None

    def callbacks(self) -> "MultipartCallbacks":
        """Return what `MultipartParser` calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_field,
            "on_header_value": self._add_value,
            "on_header_end": self._header,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self._finish,
        }

    @property
    def is_open(self) -> bool:
        """Whether a file is under way."""
        return self._incoming is not None

    def sent(self) -> Sent:
        """Return what came of it so far."""
        reasons = {each.id: each.outcome.result() if each.outcome.done() else "" for each in self.arrived}
        bad = [(each.name, reasons[each.id]) for each in self.arrived if reasons[each.id]]
        return Sent(len(self.arrived) - len(bad), [*self._left_out, *bad])

    def leave_out(self, reason: str) -> None:
        """Drop the file that is under way, and note why."""
        name = self._name or "The rest"
        self.end()
        self._left_out.append((name, reason))
        self._collection.refuse(self._box, name, reason)

    def end(self) -> None:
        """Leave nothing of a file that has not arrived as a whole."""
        if self._incoming is not None:
            self._incoming.close()
            self._incoming = None
        self._name = ""

    def _begin(self) -> None:
        self._disposition = b""

    def _add_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"filename", b"").decode("utf-8", "replace")
        if not name:  # a form that was sent without a choice
            return
        self._files += 1
        if self._files > MOST_FILES:
            raise _TooMuch(f"More than {MOST_FILES} pictures at once: send the rest next.")
        self._name = name
        try:
            self._incoming = self._collection.incoming(self._box, name)
        except ConvScopeError as error:
            self.leave_out(str(error))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._incoming is not None:
            try:
                self._incoming.write(data[start:end])
            except ConvScopeError as error:
                self.leave_out(str(error))

    def _finish(self) -> None:
        if self._incoming is not None:
            try:
                self.arrived.append(self._incoming.finish())
                self._incoming = None
            except ConvScopeError as error:
                self.leave_out(str(error))
            self._name = ""
