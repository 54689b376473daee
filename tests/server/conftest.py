"""A real server with small limits, and a visitor who speaks to it as a browser does or as one would like to see."""

import http.client
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

from benchmarks.server import Server, serving

HERE = Path(__file__).parent
_NO_NAMES = """
import os, socket
LOCAL = (None, "", "127.0.0.1", "localhost", "::1")
find = socket.getaddrinfo
def asked(host, *words, **options):
    if host in LOCAL:
        return find(host, *words, **options)
    with open(os.environ["NAMES_ASKED"], "a") as file:
        print(host, file=file)
    raise socket.gaierror("nobody knows names here")
socket.getaddrinfo = socket.gethostbyname = asked
"""


@dataclass(frozen=True)
class Answer:
    """An answer to a request: its status, its headers by small names, and its text."""

    status: int
    headers: dict[str, str]
    text: str


def ask(url: str, method: str, path: str, body: object = None, **headers: str) -> Answer:
    """Return what a server answers; underscores in the names of headers are dashes."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        words = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, words, encode_chunked=words.get("Transfer-Encoding") == "chunked")
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)
    finally:
        connection.close()


class Guest:
    """One open page, as a context manager."""

    def __init__(self, server: Server, query: str = "", *, origin: str = "") -> None:
        self.server, self.session, self.widgets, self.texts = server, "", dict[str, str](), list[str]()
        self._query = query
        cookie = ask(server.url, "GET", "/_stcore/health").headers["set-cookie"].partition(";")[0]
        self._token = {"Cookie": cookie, "X_Xsrftoken": cookie.partition("=")[2], "Origin": server.url}
        address = server.url.replace("http", "ws", 1) + "/_stcore/stream"
        words: Any = {"subprotocols": ["streamlit"], "origin": origin or server.url, "max_size": None, "legacy": True}
        self.socket: ClientConnection = connect(address, **words)
        self.load()

    def __enter__(self) -> "Guest":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def load(self, *states: WidgetState) -> None:
        """Ask for the page, and wait until it is drawn."""
        message = BackMsg()
        message.rerun_script.query_string = self._query
        message.rerun_script.widget_states.widgets.extend(states)
        self.socket.send(message.SerializeToString())
        self.texts.clear()
        while (answer := self.next()).WhichOneof("type") != "script_finished":
            if answer.WhichOneof("type") == "new_session":
                self.session = answer.new_session.initialize.session_id
            element = answer.delta.new_element
            if element.WhichOneof("type") == "file_uploader":
                self.widgets[element.file_uploader.label] = element.file_uploader.id
            assert not element.exception.message, element.exception.message
            if element.WhichOneof("type") == "text":
                self.texts.append(element.text.body)

    def next(self) -> ForwardMsg:
        """Return the next message."""
        data = self.socket.recv(30)
        assert isinstance(data, bytes)
        return ForwardMsg.FromString(data)

    def addresses(self, *names: str) -> list[str] | str:
        """Return where files of these names may be sent, or why they may not."""
        message = BackMsg()
        message.file_urls_request.request_id = "asked"
        message.file_urls_request.file_names.extend(names)
        self.socket.send(message.SerializeToString())
        while (answer := self.next()).WhichOneof("type") != "file_urls_response":
            pass
        files = answer.file_urls_response
        return files.error_msg or [file.upload_url for file in files.file_urls]

    def upload(self, address: str, size: int, **headers: str) -> Answer:
        """Send a file of so many bytes as a browser does, or with other headers."""
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
        body = head + bytes(size) + b"\r\n--b--\r\n"
        words = {"Content_Type": "multipart/form-data; boundary=b", **self._token, **headers}
        return ask(self.server.url, "PUT", address, body, **words)

    def stream(self, address: str, chunk: bytes, most: int) -> tuple[Answer | None, int]:
        """Send chunks of no stated length until the server answers; return the answer and the bytes sent."""
        words = {"Content_Type": "multipart/form-data; boundary=b", **self._token}
        sent = 0

        def chunks() -> Iterator[bytes]:
            nonlocal sent
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
            while sent < most:
                yield chunk
                sent += len(chunk)

        try:
            return ask(self.server.url, "PUT", address, chunks(), Transfer_Encoding="chunked", **words), sent
        except OSError:  # the server has hung up
            return None, sent


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the app of the tests where no other machine is found; names that it asks for stand in `names_asked`."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "sitecustomize.py").write_text(_NO_NAMES)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    limits = {"CONVSCOPE_MAX_UPLOADS": "3", "CONVSCOPE_MAX_VISITOR_MB": "96", "CONVSCOPE_MAX_UPLOADS_MB": "120"}
    limits |= {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "2", "NAMES_ASKED": str(folder / "names_asked")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setenv(name, value)
        with serving(HERE / "uploads_app.py", folder, python=str(python)) as running:
            yield running


def memory_mb(pid: int) -> int:
    """Return what a process has in memory, in MB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) // 1024
