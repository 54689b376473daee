"""What a real server refuses, what it tells browsers, and what it gives back when a visitor has left."""

import time
from collections.abc import Callable

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.server.conftest import Guest, ask, memory_mb

MB = 2**20
OTHER = "http://127.0.0.1:9"  # another program of this machine


def wait_until(fact: Callable[[], bool]) -> None:
    """Wait until a fact holds; the test fails where it does not within a minute."""
    end = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 200),
        ("GET", "/_stcore/health", {}, 200),
        ("GET", "/_stcore/host-config", {}, 200),
        ("GET", "/_stcore/bidi-components/none", {}, 404),
        ("GET", "/media/none.png", {}, 404),
        ("PUT", "/_stcore/upload_file/none/none", {}, 404),
        ("POST", "/", {"Origin": OTHER}, 403),
        ("GET", "/", {"Host": "evil.example"}, 403),
        ("GET", "/..%2f..%2fetc/passwd", {}, 400),
    ],
)
def test_each_answer_says_who_may_frame_it_and_what_it_is(server, method, path, headers, status):
    answer = ask(server.url, method, path, **headers)
    assert answer.status == status
    assert answer.headers["content-security-policy"].startswith("frame-ancestors 'self';")
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


def test_another_port_is_a_foreign_site_and_no_name_is_looked_up(server):
    for origin in (OTHER, server.url.replace("127.0.0.1", "localhost"), "https://evil.example", "null"):
        with pytest.raises(InvalidStatus) as refused:
            Guest(server, origin=origin)
        assert refused.value.response.status_code == 403
        assert "x-frame-options" in refused.value.response.headers
    with Guest(server, "ask") as guest:
        (address,) = guest.addresses("a.png")
        assert guest.upload(address, 10, Origin=OTHER).status == 403
        assert ask(server.url, "DELETE", address, Origin=OTHER).status == 403
        assert guest.upload(address, 10, X_Xsrftoken="no").status == 403  # Streamlit's own protection is on
        assert guest.upload(address, 10).status == 204
    assert not (server.log.parent / "names_asked").exists()


def test_only_what_a_page_asks_for_is_taken(server):
    with Guest(server) as stranger, Guest(server, "ask") as guest:
        assert "No part of this page asks for a.png" in stranger.addresses("a.png")
        assert "No part of this page asks for a.exe" in guest.addresses("a.exe")
        (address,) = guest.addresses("a.png")
        folder = address.rpartition("/")[0]
        assert guest.upload(f"{folder}/of-my-own", 10).status == 403
        assert guest.upload(address.replace(guest.session, stranger.session), 10).status == 404
        assert guest.upload(address.replace(guest.session, "nobody"), 10).status == 404
        assert guest.upload(address, 10).status == 204
        assert guest.upload(address, 10).status == 403  # a second time


def test_a_file_that_is_too_large_is_refused_while_it_arrives(server):
    with Guest(server, "ask") as guest:
        picture, other, archive = guest.addresses("A.PNG", "b.png", "c.zip")
        assert guest.upload(picture, 3 * MB).status == 413
        words = guest.upload(picture, 3 * MB).text
        assert words == "This file is larger than the 1 MB that are taken here: make it smaller and try again."
        toast = next(iter(message for message in iter(guest.next, None) if message.delta.new_element.toast.body))
        assert "larger than the 1 MB" in toast.delta.new_element.toast.body  # on the page too
        answer, sent = guest.stream(other, bytes(MB // 4), 400 * MB)
        assert sent < 40 * MB and (answer is None or answer.status == 413)
        assert guest.upload(archive, 3 * MB).status == 204  # a larger kind of file


def test_files_are_bounded_by_number_and_bytes_for_each_visitor_and_for_all(server):
    with Guest(server, "ask") as first, Guest(server, "ask") as second:
        assert "may have 3 uploaded files at once, and here are 4" in first.addresses(*(f"{n}.png" for n in range(4)))
        one, two = first.addresses("one.zip", "two.zip")
        assert first.upload(one, 50 * MB).status == 204
        answer = first.upload(two, 50 * MB)
        assert answer.status == 413 and "A visitor may have 96 MB of uploaded files at once" in answer.text
        (third,) = second.addresses("three.zip")
        assert second.upload(third, 60 * MB).status == 204
        (fourth,) = second.addresses("four.zip")
        answer = second.upload(fourth, 20 * MB)
        assert answer.status == 413 and "The server holds as many uploaded files as it can" in answer.text


def test_what_a_visitor_uploaded_is_given_back_when_they_leave(server):
    with Guest(server, "ask") as guest:
        (address,) = guest.addresses("big.zip")
        wait_until(lambda: guest.upload(address, 60 * MB).status == 204)  # others may have left a moment ago
        state = WidgetState(id=guest.widgets["An archive"])
        file = state.file_uploader_state_value.uploaded_file_info.add()
        file.file_id, file.name, file.size = address.rpartition("/")[2], "big.zip", 60 * MB
        file.file_urls.upload_url = file.file_urls.delete_url = address
        guest.load(state)
        assert guest.texts[0] == f"{60 * MB} bytes"
        full = memory_mb(server.pid)
    wait_until(lambda: memory_mb(server.pid) < full - 160)  # the file, its copy in the session, that of a callback


def test_a_visitor_does_not_empty_what_all_share_nor_send_endless_messages(server):
    with Guest(server) as guest:
        runs = int(guest.texts[-1].split()[0])
        guest.socket.send(BackMsg(clear_cache=True).SerializeToString())
        guest.load()
        assert int(guest.texts[-1].split()[0]) == runs + 1
        guest.socket.send(bytes(9 * MB))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                guest.next()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
