"""Names that the app answers to: the rest gets a page that says so, and the start says which addresses work."""

import asyncio
import html
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from streamlit import config

from pages.shared.server.hosts import RefusedHost, greeting


@pytest.fixture(autouse=True)
def allowed() -> Iterator[None]:
    before = {name: config.get_option(name) for name in ("server.allowedHosts", "server.address", "server.port")}
    config.set_option("server.allowedHosts", ["localhost", "*.school.example"])
    yield
    for name, value in before.items():
        config.set_option(name, value)


def answer(*hosts: str, path: str = "/train", kind: str = "http") -> tuple[int, str]:
    """Return the status and the page for a request under a name; 200 and nothing where the app would answer."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        sent.append({"status": 200})

    async def send(message: Any) -> None:
        sent.append(dict(message))

    headers = [(b"host", host.encode("latin-1")) for host in hosts]
    scope = {"type": kind, "path": path, "headers": headers, "method": "GET"}
    answer = RefusedHost(app)(scope, None, send)  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as thread:  # a browser of other tests has an event loop in this one
        thread.submit(asyncio.run, answer).result()
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode()


def line_of(page: str) -> list[str]:
    """Return the names in the line that a page shows, read as the settings would read it."""
    text = html.unescape(page.partition("<pre>")[2].partition("</pre>")[0])
    names: list[str] = tomllib.loads(text)["allowedHosts"]
    return names


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "room-3.school.example"])
def test_an_allowed_name_reaches_the_app(host: str) -> None:
    assert answer(host) == (200, "")


@pytest.mark.parametrize(
    ("host", "named"), [("192.168.1.20:8501", "192.168.1.20"), ("evil.example", "evil.example"), ("[::1]:8501", "::1")]
)
def test_another_name_is_told_what_to_write(host: str, named: str) -> None:
    status, page = answer(host)
    assert status == 403 and f"does not answer to “{named}”" in page
    assert line_of(page) == ["localhost", "*.school.example", named]


@pytest.mark.parametrize("host", ["<script>alert(1)</script>", 'a"]\nport = 1', "a b", "", "é.example", "[oops"])
def test_what_is_no_name_stays_out_of_the_page(host: str) -> None:
    status, page = answer(host)
    assert status == 403 and "does not answer to this name" in page and "<script" not in page
    assert line_of(page) == ["localhost", "*.school.example", "the-name-of-this-machine"]


def test_no_name_and_two_names_are_refused_and_the_health_is_told() -> None:
    assert answer()[0] == answer("localhost", "evil.example")[0] == 403
    assert answer("10.0.0.1", path="/_stcore/health") == (200, "")


def test_without_a_list_every_name_is_answered() -> None:
    config.set_option("server.allowedHosts", [])
    assert answer("anything.example") == (200, "")


def test_the_start_says_which_addresses_work() -> None:
    config.set_option("server.port", 8765)
    config.set_option("server.address", "0.0.0.0")
    said = greeting(lambda: ["room-3.school.example", "192.168.1.20"]).splitlines()
    assert [line.strip() for line in said if "http" in line] == [
        "http://localhost:8765",
        "http://room-3.school.example:8765",
    ]
    assert "  Not by 192.168.1.20: below [server] in .streamlit/config.toml, write for example" in said
    assert said[-1].strip() == 'allowedHosts = ["localhost", "*.school.example", "192.168.1.20"]'
    config.set_option("server.address", "127.0.0.1")
    assert "192.168" not in greeting(lambda: ["192.168.1.20"])
