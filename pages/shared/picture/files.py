"""What the places that take files of pictures have in common: which are let in, and the line that says so."""

from typing import Any

import streamlit as st

from core.data.formats import UPLOAD_TYPES
from core.settings import settings

_HINT = '[data-testid="stFileUploaderDropzoneInstructions"]'


def picture_files(key: str, what: str = "Pictures") -> dict[str, Any]:
    """Return settings of `st.file_uploader` for pictures, and put one short line in the place of its list of endings.

    Endings that no browser knows by their type have to be listed for it (`UPLOAD_TYPES`), but not for people.

    Args:
        key: Streamlit's key.
        what: How that line begins.
    """
    limit = settings().max_upload_mb
    place = f".st-key-{key} {_HINT}"
    st.html(
        f"<style>{place} > * {{ display: none; }} "
        f'{place}::after {{ content: "{what} up to {limit} MB each"; font-size: 0.875rem; '
        "opacity: 0.65; }</style>"
    )
    return {"type": UPLOAD_TYPES, "max_upload_size": limit, "label_visibility": "collapsed", "key": key}
