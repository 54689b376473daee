"""A button that plays moments one after the other, for the widgets that have one: its HTML, style and script."""

from pathlib import Path

_HERE = Path(__file__).parent
STYLE = (_HERE / "play.css").read_text(encoding="utf-8")
SCRIPT = _HERE / "play.js"


def play_button(*, words: bool = True) -> str:
    """Return the HTML of the button: a sign, and the word beside it if `words`."""
    return f"""<button type="button" class="play{"" if words else " round"}">
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <path class="start" d="M8 5v14l11-7z"/><path class="rest" d="M7 5h4v14H7zM13 5h4v14h-4z"/>
  </svg>
  {"<span></span>" if words else ""}
</button>"""
