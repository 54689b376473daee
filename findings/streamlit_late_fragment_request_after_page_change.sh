#!/usr/bin/env bash
# streamlit 1.67.0: a fragment's request that meets a change of pages empties the new page.
#
# Expected: a request for a fragment that the new page no longer has is skipped, and nothing changes on the screen.
# Happens: while the script of the new page still runs, the request waits; then a run of it begins which says that it is
#   of the *old* page and which draws nothing. The browser (Chromium 156, tried by hand) takes that for one more change
#   of pages and clears what it shows: the new page stays empty until the visitor acts. A timer of a fragment
#   (`run_every`, or a component's trigger) needs only fall between the click on a link and the arrival of the new
#   page's first message, which is long on a busy server. If the request comes after the new page's script has ended,
#   it is refused as it should be.
# Cause: the new run takes `page_script_hash` from the request, although its fragment is not found
#   (streamlit/runtime/scriptrunner/script_runner.py, `_run_script`), and the browser compares it with the page it shows.
# Seen: runs announced, in order: first, second, first; drawn by the last: nothing
# ConvScope: what is sent without a press, by its own timer and by the camera, waits after a press until the answer has
#   begun, and while a script runs (`pages/shared/widgets/request_gate`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet streamlit==1.67.0 websockets==16.1.1
cat > "$folder/pages_app.py" <<'PYTHON'
import time

import streamlit as st


@st.fragment
def part() -> None:
    st.text("part")
    st.button("Again")


def first() -> None:
    part()


def second() -> None:
    st.text("begins")
    time.sleep(2)
    st.text("ends")


st.navigation([st.Page(first, default=True), st.Page(second)]).run()
PYTHON
cat > "$folder/show.py" <<'PYTHON'
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect


def run_of(connection: ClientConnection, *, seconds: float = 10) -> Iterator[ForwardMsg]:
    """Yield the messages of one run of the script."""
    while True:
        message = ForwardMsg.FromString(connection.recv(timeout=seconds))
        yield message
        if message.WhichOneof("type") == "script_finished":
            return


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
command = [sys.executable, "-m", "streamlit", "run", sys.argv[1], "--server.headless=true", f"--server.port={port}"]
server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://localhost:{port}/_stcore/health")
            break
        except OSError:
            time.sleep(0.2)
    with connect(f"ws://localhost:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None) as connection:

        def ask(page: str = "", fragment: str = "") -> None:
            request = BackMsg()
            request.rerun_script.page_script_hash, request.rerun_script.fragment_id = page, fragment
            connection.send(request.SerializeToString())

        ask()
        messages = list(run_of(connection))
        offered = next(message.navigation for message in messages if message.WhichOneof("type") == "navigation")
        pages = {page.url_pathname or "first": page.page_script_hash for page in offered.app_pages}
        fragment = next(message.delta.fragment_id for message in messages if message.delta.fragment_id)
        names = {value: name for name, value in pages.items()}

        ask(pages["second"])  # a click on the link
        ask(pages["first"], fragment)  # the timer of the fragment, before the first word of the answer has come
        announced, drawn = ["first"], 0
        for _ in range(2):
            messages = list(run_of(connection))
            new = next(message.new_session for message in messages if message.WhichOneof("type") == "new_session")
            announced.append(names[new.page_script_hash])
            drawn = sum(message.WhichOneof("type") == "delta" for message in messages)
    print(f"runs announced, in order: {', '.join(announced)}; drawn by the last: {drawn or 'nothing'}")
finally:
    server.terminate()
sys.exit(0 if (announced, drawn) == (["first", "second", "first"], 0) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder/pages_app.py"
