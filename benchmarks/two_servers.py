"""Two web servers on one store in a browser: `CONVSCOPE_DATABASE_URL=… python -m benchmarks.two_servers [URL URL]`.

A training is started on the first, followed and paused on the second, resumed on the first and stopped on the second.
Printed is how long each took until the other server's page showed it, ticks included. Servers that run already are
named by their URLs, the same one twice where a proxy stands before both. Else two are started, each with a home of its
own, which share the PostgreSQL database, files (`CONVSCOPE_FILES`, else a folder) and a worker, a third process.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, sync_playwright

from benchmarks.server import FLAGS, ROOT, chromium, serving
from core.runs.records import Status
from core.runs.store import RunStore

PATIENCE_MS = 120_000
STEPS = 5


@contextmanager
def worker(folder: Path) -> Iterator[None]:
    """Have a worker without an app."""
    environment = {**os.environ, "CONVSCOPE_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "core.train.worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def shows(page: Page, button: str) -> float:
    """Wait until a page has a button that can be pressed, and return for how many seconds."""
    began = time.monotonic()
    page.get_by_role("button", name=button, exact=True).and_(page.locator(":enabled")).wait_for(timeout=PATIENCE_MS)
    return time.monotonic() - began


def press(page: Page, button: str) -> None:
    """Press a button."""
    page.get_by_role("button", name=button, exact=True).click(timeout=PATIENCE_MS)


def become(store: RunStore, run_id: str, status: Status, step: int = 0) -> None:
    """Wait until a run has a status and has made so many steps."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while (run := store.get(run_id)).status is not status or run.step < step:
        if time.monotonic() > end:
            raise SystemExit(f"The run is {run.status} at step {run.step} and did not become {status} at step {step}.")
        time.sleep(0.05)


def walk(first: Page, second: Page, urls: tuple[str, str]) -> None:
    """Start, follow, pause, resume and stop a training, each on another server, and print the times."""
    store = RunStore()
    known = {run.id for run in store.list()}
    first.goto(f"{urls[0]}/train")
    press(first, "Start training")
    first.wait_for_url(lambda url: "run=" in url, timeout=PATIENCE_MS)
    run_id = parse_qs(urlsplit(first.url).query)["run"][0]
    assert run_id not in known
    second.goto(f"{urls[1]}/train?run={run_id}")
    print(f"Followed on the second {shows(second, 'Pause'):.2f} s after its page was asked for", flush=True)
    become(store, run_id, Status.RUNNING, STEPS)
    press(second, "Pause")
    print(f"Paused on the second, seen on the first after {shows(first, 'Resume'):.2f} s", flush=True)
    become(store, run_id, Status.PAUSED)
    step = store.get(run_id).step
    for page in (first, second):
        page.get_by_text(f"batch {step:,} of").first.wait_for(timeout=PATIENCE_MS)
    press(first, "Resume")
    print(f"Resumed on the first, seen on the second after {shows(second, 'Pause'):.2f} s", flush=True)
    become(store, run_id, Status.RUNNING, step + STEPS)
    press(second, "Stop training")
    become(store, run_id, Status.STOPPED)
    run = store.get(run_id)
    print(f"Stopped on the second at step {run.step}, paused before at step {step}: {run.name}")
    store.close()


def browse(urls: tuple[str, str]) -> None:
    """Walk through two servers, in a browser of its own for each."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        first, second = (browser.new_context().new_page() for _ in range(2))
        walk(first, second, urls)
        browser.close()


def main(argv: Sequence[str]) -> None:
    """Try it and print."""
    if not os.environ.get("CONVSCOPE_DATABASE_URL", "").startswith("postgresql"):
        raise SystemExit("Set CONVSCOPE_DATABASE_URL to a PostgreSQL database that both servers are to use.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.setdefault("CONVSCOPE_FILES", str(folder / "files"))
        os.environ |= {"CONVSCOPE_ENGINE": "none", "CONVSCOPE_HOME": str(folder / "own")}
        if len(argv) == 2:
            browse((argv[0], argv[1]))
            return
        one, two = (serving(ROOT / "app.py", folder / each, alone=False) for each in ("one", "two"))
        with worker(folder / "worker"), one as first, two as second:
            browse((first.url, second.url))


if __name__ == "__main__":
    main(sys.argv[1:])
