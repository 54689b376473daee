"""The page that a phone sees: two buttons and what came of the last press, without any script."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import HTMLResponse

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1a2322; --ground: #fff; --soft: #f3f6f5; --line: #d5dcda; --main: #0b7a75;
  --on: #fff; --bad: #a3261f; }}
* {{ box-sizing: border-box; }}
body {{ font: 1.0625rem/1.5 system-ui, sans-serif; max-width: 28rem; min-height: 100dvh; margin: 0 auto;
  padding: 1.5rem 1.25rem 2rem; color: var(--ink); background: var(--ground); }}
h1 {{ font-size: 1.5rem; line-height: 1.25; margin: 0 0 1.25rem; overflow-wrap: anywhere; }}
h1 small {{ display: block; font-size: 1rem; font-weight: 400; opacity: .75; }}
form {{ position: relative; margin: 0 0 1rem; }}
label, button {{ display: flex; width: 100%; min-height: 3.5rem; align-items: center; justify-content: center;
  font: inherit; font-weight: 600; color: var(--on); background: var(--main); border: 1px solid var(--main);
  border-radius: .75rem; }}
label.second {{ color: inherit; background: var(--soft); border-color: var(--line); }}
input {{ position: absolute; inset: 0; width: 100%; height: 3.5rem; opacity: 0; }}
button, .ready {{ display: none; margin: .75rem 0 0; }}
form:has(input:valid) label {{ color: inherit; background: var(--soft); border-color: var(--line); }}
form:has(input:valid) button {{ display: flex; }}
form:has(input:valid) .ready {{ display: block; }}
form:has(input:focus-visible) label, button:focus-visible {{ outline: 3px solid var(--main); outline-offset: 3px; }}
@supports not selector(:has(a)) {{
  input {{ position: static; opacity: 1; margin-top: .5rem; }} button {{ display: flex; }}
}}
.said {{ padding: .75rem 1rem; margin: 0 0 1rem; border-radius: .75rem; font-weight: 600;
  border: 1px solid var(--main); }}
.said.bad {{ border-color: var(--bad); }}
.said ul {{ margin: .25rem 0 0; padding-left: 1.1rem; font-weight: 400; overflow-wrap: anywhere; }}
p.small {{ font-size: .9375rem; opacity: .75; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e6ecea; --ground: #101516; --soft: #1a2122; --line: #344041; --main: #0e857b; --bad: #f08a80; }}
}}
</style></head><body>{body}</body></html>"""
_FORMS = """<h1><small>Pictures for the class</small>{name}</h1>
{said}
<form method="post" enctype="multipart/form-data">
<label for="shot">{again}</label>
<input id="shot" type="file" name="pictures" accept="image/*" capture="environment" required>
<p class="ready">The photograph is ready.</p>
<button>Send this photograph</button>
</form>
<form method="post" enctype="multipart/form-data">
<label for="chosen" class="second">Choose pictures you have</label>
<input id="chosen" type="file" name="pictures" accept="image/*" multiple required>
<p class="ready">Your pictures are ready.</p>
<button>Send these pictures</button>
</form>
<p class="small">They go to the computer that shows the code, and nowhere else. Photograph the thing from several sides
and on different backgrounds.</p>"""


@dataclass(frozen=True)
class Sent:
    """What came of what a phone sent: how many pictures arrived, and the files that were left out with the reasons."""

    arrived: int = 0
    left_out: Sequence[tuple[str, str]] = ()


def form_page(class_name: str, sent: Sent | None = None, *, status: int = 200) -> HTMLResponse:
    """Return the page that sends pictures into a class, and says what came of those that were sent just now."""
    body = _FORMS.format(
        name=html.escape(class_name),
        said="" if sent is None else _said(sent),
        again="Take a photograph" if sent is None else "Take another photograph",
    )
    return _answer(class_name, body, status)


def refusal_page(words: str, status: int) -> HTMLResponse:
    """Return the page that says in a sentence why nothing can be sent."""
    return _answer("ConvScope", f"<h1>This does not work any more</h1><p>{html.escape(words)}</p>", status)


def _said(sent: Sent) -> str:
    words = f"{sent.arrived:,} picture{'s' * (sent.arrived != 1)} arrived." if sent.arrived else "No picture arrived."
    items = "".join(f"<li>{html.escape(name)}: {html.escape(reason)}</li>" for name, reason in sent.left_out)
    bad = "" if sent.arrived else " bad"
    return f'<div class="said{bad}" role="status">{words}{f"<ul>{items}</ul>" * bool(items)}</div>'


def _answer(title: str, body: str, status: int) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=html.escape(title), body=body), status, headers=_HEADERS)
