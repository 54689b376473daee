#!/usr/bin/env bash
# streamlit 1.67.0: of changes of several fragments that fall into one batch, only the first fragment runs.
#
# Expected: two buttons of two fragments, pressed one right after the other, are both answered. Likewise a button of a
#   fragment and one of the page around it, after which the whole script has to run.
# Happens: the browser gathers all changes until a timer of 0 ms is due, and sends them as one request for the fragment
#   of the first one. The other button's callback runs too, but what it changed is not drawn, as if it had not been
#   pressed, until something else makes that part run. Browsers handle presses before timers, so on a page that is busy
#   with drawing two presses, or a press and a component's own trigger, fall into one batch. The browser's console warns
#   of two fragments ("Unexpected state: Multiple different fragmentIds"), not of a fragment and the page.
# Cause: `scheduleFlush` of `WidgetStateManager` keeps the first `fragmentId` that is not undefined and sends all changes
#   with it (`static/static/js/index.*.js` of the package).
# Seen: two fragments: one 1, two 0 (counted: 1)
#       fragment and page: one 2, page 0 (counted: 1)
# ConvScope: what its own components send without a press is sent at once, so that no press joins it
#   (`atOnce` of `pages/shared/widgets/request_gate/request_gate.js`).
# Needs a Chromium, of the machine.
set -euo pipefail
chromium=$(command -v chromium-headless-shell || command -v chromium || command -v google-chrome) || {
    echo "No Chromium was found." >&2
    exit 1
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet streamlit==1.67.0 playwright==1.65.2
cat > "$folder/app.py" <<'PYTHON'
import streamlit as st

counts = st.session_state.setdefault("counts", {"one": 0, "two": 0, "page": 0})


def count(name: str) -> None:
    counts[name] += 1


def draw(name: str) -> None:
    st.button(f"Press {name}", on_click=count, args=(name,))
    st.text(f"{name} {counts[name]}")


for name in ("one", "two"):
    st.fragment(draw)(name)
draw("page")
if st.button("Show"):
    st.text(f"counted: {counts}")
PYTHON
cat > "$folder/show.py" <<'PYTHON'
import re
import socket
import subprocess
import sys
import time
import urllib.request

from playwright.sync_api import Page, expect, sync_playwright

PRESS = """names => {
    const buttons = [...document.querySelectorAll("button")];
    for (const name of names) buttons.find(button => button.innerText.trim() === `Press ${name}`).click();
}"""


def pressed(page: Page, *names: str) -> tuple[int, ...]:
    """Press buttons one right after the other, and return what stands beside each once the first is answered."""
    before = drawn(page, names[0])
    page.evaluate(PRESS, names)
    expect(page.get_by_text(f"{names[0]} {before + 1}", exact=True)).to_be_visible()
    expect(page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')).to_be_attached()
    return tuple(drawn(page, name) for name in names)


def drawn(page: Page, name: str) -> int:
    return int(page.get_by_text(re.compile(rf"^{name} \d+$")).inner_text().split()[1])


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
    with sync_playwright() as driver:
        page = driver.chromium.launch(executable_path=sys.argv[2], args=["--no-sandbox"]).new_page()
        page.goto(f"http://localhost:{port}")
        for name in ("one", "two", "page"):
            expect(page.get_by_role("button", name=f"Press {name}", exact=True)).to_be_visible(timeout=60_000)
            expect(page.get_by_text(f"{name} 0", exact=True)).to_be_visible()
        fragments = pressed(page, "one", "two")
        around = pressed(page, "one", "page")
        page.get_by_role("button", name="Show").click()
        counted = page.get_by_text(re.compile("^counted")).inner_text()
    two, whole = (re.search(rf"'{name}': (\d+)", counted).group(1) for name in ("two", "page"))
    print(f"two fragments: one {fragments[0]}, two {fragments[1]} (counted: {two})")
    print(f"fragment and page: one {around[0]}, page {around[1]} (counted: {whole})")
finally:
    server.terminate()
sys.exit(0 if (fragments, around, two, whole) == ((1, 0), (2, 0), "1", "1") else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder/app.py" "$chromium"
