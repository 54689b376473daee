"""What phones reach of the app, through all that stands before it: one class, for as long as its code is shown."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette
from streamlit import config

from core.data.collection import registry as registries
from core.data.collection.collection import Collection
from core.data.collection.registry import registry
from pages.shared.server import phone
from pages.shared.server.hosts import phone_address
from pages.shared.server.middleware import middleware
from tests.data.archives import picture

HOST = "192.168.1.20:8501"
MULTIPART = "multipart/form-data; boundary=b"
Answer = tuple[int, str, dict[str, str]]


@pytest.fixture(autouse=True)
def everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    registries.registry.cache_clear()
    names = ("server.allowedHosts", "server.address", "server.port")
    before = {name: config.get_option(name) for name in names}
    for name, value in zip(names, (["localhost", "192.168.1.20"], "0.0.0.0", 8501), strict=True):
        config.set_option(name, value)
    yield
    for name, value in before.items():
        config.set_option(name, value)
    registry().close()


@pytest.fixture
def collection() -> Collection:
    made = registry().open("visitor")
    made.rename(made.boxes[0].id, "<b>Cat")
    return made


def code_of(collection: Collection, place: int = 0) -> str:
    return registry().codes.issue(collection.token, collection.boxes[place].id)


def form(*files: tuple[str, bytes]) -> bytes:
    head = 'Content-Disposition: form-data; name="pictures"; filename="{}"\r\nContent-Type: image/jpeg'
    parts = [b"--b\r\n" + head.format(name).encode() + b"\r\n\r\n" + data + b"\r\n" for name, data in files]
    return b"".join(parts) + b"--b--\r\n"


def ask(path: str, body: bytes | None = None, *, gone: bool = False, piece: int = 50_000, **headers: str) -> Answer:
    """Return status, page and headers of an answer; with `gone` the connection ends where the body does."""
    app = Starlette(routes=phone.routes(), middleware=middleware())
    pieces = [] if body is None else [body[at : at + piece] for at in range(0, len(body), piece)]
    messages = [{"type": "http.request", "body": each, "more_body": True} for each in pieces]
    end = {"type": "http.disconnect"} if gone else {"type": "http.request", "body": b"", "more_body": False}
    waiting = iter([*messages, end])
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return next(waiting, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(dict(message))

    words = {"host": HOST, "origin": f"http://{HOST}", "content_type": MULTIPART, **headers}
    scope = {
        "type": "http",
        "method": "GET" if body is None else "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in words.items()],
    }
    with ThreadPoolExecutor(1) as thread:  # a browser of other tests has an event loop in this one
        thread.submit(asyncio.run, app(scope, receive, send)).result()
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]} if sent else {}
    return (sent[0]["status"] if sent else 0), b"".join(each.get("body", b"") for each in sent).decode(), told


def names(collection: Collection) -> list[list[str]]:
    return [[picture.name for picture in box.pictures] for box in collection.boxes]


def test_the_page_is_plain_and_says_the_class_as_text(collection: Collection) -> None:
    status, page, headers = ask(f"/phone/{code_of(collection)}")
    assert status == 200 and "&lt;b&gt;Cat" in page and "<script" not in page
    assert re.findall(r'<input [^>]*accept="image/\*" (capture|multiple)', page) == ["capture", "multiple"]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "same-origin"


def test_pictures_arrive_in_the_class_of_the_code_and_what_is_none_is_named(collection: Collection) -> None:
    code = code_of(collection, 1)
    body = form(("a.jpg", picture(1, (600, 400), "JPEG")), ("<i>.jpg", b"MZ no picture"), ("c\u00e9.png", picture(2)))
    status, page, _ = ask(f"/phone/{code}", body, piece=7)
    assert status == 200 and "2 pictures arrived." in page and "<li>&lt;i&gt;.jpg: This file is no" in page
    assert names(collection) == [[], ["a.jpg", "c\u00e9.png"]]
    assert collection.refused[-1].name == "<i>.jpg"
    assert "No picture arrived" in ask(f"/phone/{code}", form(("again.png", picture(2))))[1]


def test_nothing_is_read_for_a_code_that_leads_nowhere(collection: Collection) -> None:
    used = code_of(collection)
    registry().codes.withdraw(code=used)
    removed = code_of(collection, 1)
    collection.remove(collection.boxes[1].id)
    for path in (f"/phone/{used}", f"/phone/{used[:-2]}xx", f"/phone/{removed}", "/phone/" + "x" * 5000):
        status, page, _ = ask(path, form(("a.png", picture(1))))
        assert status == 404 and "<form" not in page
    assert names(collection) == [[]]
    assert ask(f"/phone/{code_of(collection)}/more")[0] == ask("/phone/")[0] == 404


def test_other_sites_and_other_names_are_refused_here_too(collection: Collection) -> None:
    path, body = f"/phone/{code_of(collection)}", form(("a.png", picture(1)))
    assert ask(path, body, origin="http://evil.example")[0] == 403
    assert ask(path, body, host="evil.example", origin="http://evil.example")[0] == 403
    assert names(collection)[0] == []


def test_a_phone_that_goes_away_leaves_what_had_arrived(collection: Collection) -> None:
    path = f"/phone/{code_of(collection)}"
    whole = form(("a.jpg", picture(1)), ("cut off.jpg", picture(2, (400, 400))))
    ask(path, whole[:-400], gone=True)
    assert names(collection)[0] == ["a.jpg"]
    assert collection.refused[-1].name == "cut off.jpg" and "was gone" in collection.refused[-1].reason
    status, page, _ = ask(path, whole[:-400])  # or says that this was all
    assert status == 400 and "The rest did not arrive" in page
    assert collection.used == len(picture(1))


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"hello", {"content_type": "text/plain"}),
        (b"hello", {}),
        (form(("", b"")), {}),
        (b"--b\r\n" + b"x" * 9000 + b": y\r\n\r\n\r\n--b--", {}),
    ],
)
def test_what_is_no_form_gets_a_sentence(collection: Collection, body: bytes, headers: dict[str, str]) -> None:
    status, page, _ = ask(f"/phone/{code_of(collection)}", body, **headers)
    assert status in (200, 400) and "No picture arrived" in page and "<form" in page
    assert names(collection)[0] == []


def test_a_form_has_limits_however_large_it_says_it_is(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/phone/{code_of(collection)}"
    monkeypatch.setattr(phone, "MOST_FILES", 2)
    status, page, _ = ask(path, form(*((f"{seed}.png", picture(seed)) for seed in range(3))))
    assert status == 413 and "More than 2 pictures at once" in page and names(collection)[0] == ["0.png", "1.png"]
    monkeypatch.setenv("CONVSCOPE_MAX_UPLOAD_MB", "1")
    status, page, _ = ask(path, form(("big.jpg", bytes(2**20 + 1)), ("5.png", picture(5))))
    assert status == 200 and "big.jpg: It is larger than 1 MB" in page and "1 picture arrived" in page
    monkeypatch.setattr(phone, "MOST_MB", 0)
    assert ask(path, b"", content_length=str(2**30))[0] == 413
    assert ask(path, form(("big.jpg", bytes(2**21))), piece=2**20)[0] == 413
    monkeypatch.setattr(phone, "MOST_FORMS", 0)
    assert ask(path, form(("6.png", picture(6))))[0] == 503
    assert names(collection)[0] == ["0.png", "1.png", "5.png"]


def test_ten_phones_at_once(collection: Collection) -> None:
    path = f"/phone/{code_of(collection)}"
    with ThreadPoolExecutor(10) as threads:
        bodies: Sequence[bytes] = [form(*((f"{n}-{k}.png", picture(10 * n + k)) for k in range(3))) for n in range(10)]
        answers = [*threads.map(lambda body: ask(path, body), bodies)]
    assert [(status, "3 pictures arrived." in page) for status, page, _ in answers] == [(200, True)] * 10
    assert len(names(collection)[0]) == 30


def test_a_phone_is_told_an_address_that_it_reaches_or_the_screen_what_to_do() -> None:
    here, there = "http://localhost:8501/teach", lambda: ["room-3", "192.168.1.20"]
    assert phone_address(here, there) == ("http://192.168.1.20:8501", "")
    assert phone_address("https://lab.school.example/teach?a=b", there) == ("https://lab.school.example", "")
    config.set_option("server.allowedHosts", ["localhost"])
    address, words = phone_address(here, there)
    assert not address and 'allowedHosts = ["localhost", "192.168.1.20"]' in words
    config.set_option("server.address", "127.0.0.1")
    address, words = phone_address(here, there)
    assert not address and "--server.address 0.0.0.0" in words and 'allowedHosts = ["localhost", "192' in words
