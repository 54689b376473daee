"""What the scripts of widgets send from the browser: nothing of it is sure until it was looked at."""

import base64
import binascii
from collections.abc import Mapping

import streamlit as st


def sent_by(key: str, name: str) -> object:
    """Return a value that the widget of this key has sent last; None where there is none."""
    value = st.session_state.get(key)
    return value.get(name) if isinstance(value, Mapping) else None


def file_in(value: object, start: str, longest: int) -> bytes | None:
    """Return the file that a data address holds, to be opened like an upload; None unless it is such an address.

    Args:
        value: What the browser sent.
        start: How the address has to begin, "data:image/png;base64,".
        longest: Characters that it may have.
    """
    if not isinstance(value, str) or not value.startswith(start) or len(value) > longest:
        return None
    try:
        return base64.b64decode(value.removeprefix(start), validate=True)
    except (binascii.Error, ValueError):
        return None
