"""Names and notes of runs: how long they may be."""

from core.errors import RunError

MAX_NAME, MAX_NOTE = 80, 2000  # characters


def fitting_name(name: str, ending: str = "") -> str:
    """Return a name that the program puts together; where it is longer than names may be, "…" stands before the end."""
    room = MAX_NAME - len(ending)
    return f"{name}{ending}" if len(name) <= room else f"{name[: room - 1].rstrip()}…{ending}"


def checked_name(name: str) -> str:
    """Return a run's name without outer blanks; raises `RunError` if it is empty or too long."""
    if not name.strip() or len(name) > MAX_NAME:
        raise RunError(f"A run's name has 1 to {MAX_NAME} characters.")
    return name.strip()


def checked_note(note: str) -> str:
    """Return a note without outer blanks; raises `RunError` if it is too long: nothing of it is cut off."""
    if len(note) > MAX_NOTE:
        raise RunError(f"A note has at most {MAX_NOTE:,} characters: shorten it.")
    return note.strip()
