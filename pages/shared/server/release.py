"""What visitors leave behind is given back: their sessions soon after they have left, the rest in a quiet moment.

Streamlit keeps the session of a visitor whose connection is lost for `server.disconnectedSessionTTL` seconds, so that
it can go on. After that it is not given back until another visitor leaves, and even then only by the garbage
collector, which `runner.postScriptGC = false` keeps from running after each run of a script.
"""

import asyncio
import gc
import time
import weakref
from dataclasses import dataclass, field

import streamlit as st
from streamlit import runtime
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.state.session_state import SessionState

from core.data.collection.registry import KEPT_SECONDS, registry
from pages.shared.server.uploads import accounts

QUIET_SECONDS = 0.5  # without a message to or from anybody
LONGEST_WAIT = 60.0  # seconds, then a moment has to do that is not quiet


@dataclass(eq=False)
class _House:
    """Who has left, and when anybody said something last; used by the thread of the server's event loop only."""

    left: dict[str, object] = field(default_factory=dict)  # by session: a mark of its own for each time it left
    stirred: float = 0.0
    collecting: bool = False


_house = _House()


def stir() -> None:
    """Note that a visitor said something, or was told something."""
    _house.stirred = time.monotonic()


def leave(session: str, found: "weakref.ref[AppSession] | None") -> None:
    """Note that the browser of a session is gone: unless it comes back in time, all of the session is released.

    Args:
        session: Its id.
        found: The session itself, where it is known.
    """
    mark = _house.left[session] = object()
    # A second before Streamlit forgets that it has the session at all:
    seconds = max(0.0, st.get_option("server.disconnectedSessionTTL") - 1.0)
    asyncio.get_running_loop().call_later(seconds, _release, session, mark, found)


def _release(session: str, mark: object, found: "weakref.ref[AppSession] | None") -> None:
    if _house.left.get(session) is not mark:  # it came back, and left again later
        return
    del _house.left[session]
    server = runtime.get_instance()
    if server.is_active_session(session):
        return
    server.close_session(session)
    server.uploaded_file_mgr.remove_session_files(session)  # also where Streamlit has given the session up already
    accounts.pop(session, None)
    registry().leave(session)
    asyncio.get_running_loop().call_later(KEPT_SECONDS, registry().sweep)
    _clear(found)
    if not _house.collecting:
        _house.collecting = True
        _collect(time.monotonic())


def _clear(found: "weakref.ref[AppSession] | None") -> None:
    """Empty a session that was closed.

    It lies in a cycle of objects, and Streamlit's loop keeps the one that left last until another visitor comes.
    """
    session = found() if found is not None else None
    if session is not None:
        SessionState.__init__(session.session_state)  # its `clear` leaves what was given to callbacks of widgets
        for part in vars(session).values():
            if isinstance(part, MemoryFragmentStorage):
                part.clear()


def _collect(since: float) -> None:
    """Collect garbage once nobody has said anything for a moment: it holds up everybody."""
    now = time.monotonic()
    if now - _house.stirred < QUIET_SECONDS and now - since < LONGEST_WAIT:
        asyncio.get_running_loop().call_later(QUIET_SECONDS, _collect, since)
        return
    _house.collecting = False
    gc.collect()
