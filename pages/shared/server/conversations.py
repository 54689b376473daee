"""What a visitor's browser and the server say to each other, seen on its way.

Only what a page of this app needs gets through: a message of Streamlit's that empties the caches, which all visitors
share, does not. What pages ask files for is noted for those who take the files in.
"""

import re
import weakref

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.RootContainer_pb2 import RootContainer
from streamlit.runtime.app_session import AppSession

from pages.shared.server.release import leave, stir
from pages.shared.server.uploads import UploadAccount, accounts, door_of, refusal

STREAM = re.compile(r"/_stcore/stream/?$")
_HEARD = ("rerun_script", "stop_script", "file_urls_request", "app_heartbeat", "backend_operation_request")
_OPERATIONS = ("deferred_file", "dataframe_chunk")
_SMALL = 16_384  # bytes; larger messages hold pictures and tables, never a widget for files
_speakers: dict[str, Send] = {}  # by session: what sends to its browser


async def tell(session: str, words: str) -> None:
    """Say something to a visitor, on whatever page; nothing where nobody is there."""
    speak = _speakers.get(session)
    if speak is not None:
        message = ForwardMsg()
        message.metadata.delta_path.extend([RootContainer.EVENT, 0])
        message.delta.new_element.toast.body = re.sub(r"([\\`*_{}\[\]()#+!|$:~<>-])", r"\\\1", words)
        message.delta.new_element.toast.icon = ":material/error:"
        await speak({"type": "websocket.send", "bytes": message.SerializeToString()})


class Conversations:
    """Listens to the websocket of each visitor."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold one conversation, as ASGI has it."""
        if scope["type"] != "websocket" or not STREAM.search(scope["path"]):
            await self._app(scope, receive, send)
            return
        conversation = _Conversation(receive, send, _resumed(scope))
        try:
            await self._app(scope, conversation.hear, conversation.say)
        finally:
            conversation.end()


def _resumed(scope: Scope) -> str:
    """Return the session that a browser wants to go on with after its connection was lost; empty for a new one."""
    words = Headers(scope=scope).get("sec-websocket-protocol", "").split(",")
    return words[2].strip() if len(words) > 2 else ""


class _Conversation:
    def __init__(self, receive: Receive, send: Send, session: str) -> None:
        self._receive, self._send, self._session = receive, send, session
        self._found: weakref.ref[AppSession] | None = None
        self._asked: dict[str, list[str]] = {}  # names of files, by requests for their addresses

    def _join(self, session: str) -> None:
        found = runtime.get_instance().get_app_session(session)
        if found is not None:
            self._session, self._found = session, weakref.ref(found)
            _speakers[session] = self._send

    @property
    def _account(self) -> UploadAccount:
        return accounts.setdefault(self._session, UploadAccount())

    async def hear(self) -> Message:
        """Return the next message of the browser that Streamlit is to have."""
        while True:
            message = await self._receive()
            stir()
            data = message.get("bytes")
            if message["type"] != "websocket.receive" or data is None:
                return message
            try:
                asked = BackMsg.FromString(data)
            except Exception:  # it is no message at all: Streamlit ends the conversation
                return message
            kind = asked.WhichOneof("type")
            if kind == "file_urls_request":
                names = list(asked.file_urls_request.file_names)
                if words := refusal(self._session, names):
                    await self._refuse(asked.file_urls_request.request_id, words)
                    continue
                self._asked[asked.file_urls_request.request_id] = names
            operation = asked.backend_operation_request
            if kind not in _HEARD or (
                kind == "backend_operation_request" and operation.WhichOneof("payload") not in _OPERATIONS
            ):
                continue
            return message

    async def _refuse(self, request: str, words: str) -> None:
        answer = ForwardMsg()
        answer.file_urls_response.response_id = request
        answer.file_urls_response.error_msg = words
        await self._send({"type": "websocket.send", "bytes": answer.SerializeToString()})

    async def say(self, message: Message) -> None:
        """Pass a message on to the browser, and note what it asks the visitor for."""
        stir()
        data = message.get("bytes")
        if data and (len(data) < _SMALL or self._asked):
            self._note(ForwardMsg.FromString(data))
        await self._send(message)

    def _note(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session" and self._found is None:
            self._join(message.new_session.initialize.session_id)
        elif kind == "file_urls_response":
            names = self._asked.pop(message.file_urls_response.response_id, [])
            files = message.file_urls_response.file_urls
            self._account.expect(zip((file.file_id for file in files), names, strict=False))
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            door = door_of(message.delta.new_element)
            if door is not None:
                self._account.doors[door[0]] = door[1]

    def end(self) -> None:
        """Note that the browser is gone."""
        if self._session and _speakers.get(self._session, self._send) is self._send:
            _speakers.pop(self._session, None)
            leave(self._session, self._found)
