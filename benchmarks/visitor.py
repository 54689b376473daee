"""A visitor of a running app who speaks its websocket as a browser does, and counts what each answer costs."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import BINARY, Frame
from websockets.sync.client import ClientConnection, connect

PULSE = "pulse"  # the component that asks for the next tick
_FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
_AGGREGATOR = "$$STREAMLIT_INTERNAL_KEY_{}__events"


@dataclass(frozen=True)
class Answer:
    """What came back from one request, until the script was finished.

    Attributes:
        seconds: From the request to the last message.
        messages: Their number.
        bytes: Their size on the wire, compressed where the server does that.
        kinds: Bytes by kind of element.
    """

    seconds: float
    messages: int
    bytes: int
    kinds: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Pulse:
    widget: str
    fragment: str


class Visitor:
    """One open page; to be used as a context manager.

    Large messages that came once are named by their hash from then on, as a browser does.
    """

    def __init__(self, url: str, page: str, **query: str) -> None:
        self._page, self._query = page, urlencode(query)
        self._connection = connect(
            url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=["streamlit"],
            origin=url,
            max_size=None,
            ping_interval=None,
        )
        self._socket = self._connection.__enter__()
        self._sizes = _sizes(self._socket)
        self._hashes: list[str] = []
        self._pulses: dict[str, _Pulse] = {}
        self._script = ""

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.__exit__(None, None, None)

    def load(self) -> Answer:
        """Ask for the whole page."""
        message = self._message()
        message.rerun_script.page_name = self._page
        return self._ask(message)

    def beat(self) -> Answer | None:
        """Ask for what the page's pulse asks for; None where it has none."""
        if not self._pulses:
            return None
        pulse = next(iter(self._pulses.values()))
        message = self._message()
        message.rerun_script.page_script_hash = self._script
        message.rerun_script.fragment_id = pulse.fragment
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.json_trigger_value = _AGGREGATOR.format(pulse.widget), '[{"event": "beat", "value": true}]'
        return self._ask(message)

    def _message(self) -> BackMsg:
        message = BackMsg()
        script = message.rerun_script
        script.query_string, script.context_info.timezone = self._query, "UTC"
        script.context_info.locale, script.context_info.color_scheme = "en-US", "light"
        script.cached_message_hashes.extend(self._hashes)
        return message

    def _ask(self, message: BackMsg) -> Answer:
        began = time.perf_counter()
        self._socket.send(message.SerializeToString())
        kinds: Counter[str] = Counter()
        number = 0
        for size, answer in self._messages():
            number += 1
            kinds[self._note(answer)] += size
            if answer.WhichOneof("type") == "script_finished" and answer.script_finished in _FINISHED:
                break
        return Answer(time.perf_counter() - began, number, sum(kinds.values()), kinds)

    def _messages(self) -> Iterator[tuple[int, ForwardMsg]]:
        while True:
            data = self._socket.recv(60)
            assert isinstance(data, bytes)
            yield self._sizes.popleft() if self._sizes else len(data), ForwardMsg.FromString(data)

    def _note(self, message: ForwardMsg) -> str:
        """Keep what the next request needs, and return the kind of the message."""
        if message.metadata.cacheable:
            self._hashes.append(message.hash)
        kind: str = message.WhichOneof("type") or ""
        if kind == "new_session":
            self._script = message.new_session.page_script_hash
            drawn = message.metadata.run.fragment_ids  # none: the whole page is drawn anew
            self._pulses = {key: pulse for key, pulse in self._pulses.items() if drawn and key not in drawn}
        if kind != "delta":
            return kind
        if message.delta.WhichOneof("type") == "add_block":
            return "block"
        kind = message.delta.new_element.WhichOneof("type") or ""
        if kind == "bidi_component":
            component = message.delta.new_element.bidi_component
            kind = component.component_name
            if kind == PULSE:
                self._pulses[message.delta.fragment_id] = _Pulse(component.id, message.delta.fragment_id)
        return kind


def _sizes(connection: ClientConnection) -> deque[int]:
    """Return a queue of what each message took on the wire; it stays empty where nothing is compressed."""
    sizes: deque[int] = deque()
    for extension in connection.protocol.extensions:
        assert isinstance(extension, PerMessageDeflate)
        extension.decode = partial(_note_size, sizes, extension.decode)
    return sizes


def _note_size(sizes: deque[int], decode: Callable[..., Frame], frame: Frame, *, max_size: int | None = None) -> Frame:
    if frame.opcode is BINARY:
        sizes.append(len(frame.data))
    return decode(frame, max_size=max_size)
