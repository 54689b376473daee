"""When a component may ask the server of its own accord: never in the way of a press or of a run under way."""

from pathlib import Path

_GATE = Path(__file__).with_name("request_gate.js")


def with_gate(*scripts: Path) -> str:
    """Return the text of a component's scripts with `openGate` before it, which tells when a request may be sent."""
    return "\n".join(file.read_text(encoding="utf-8") for file in (_GATE, *scripts))
