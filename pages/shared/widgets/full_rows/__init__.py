"""How many tiles stand in a row: the script that the widgets with tiles share."""

from pathlib import Path

SCRIPT = Path(__file__).with_name("full_rows.js")
