"""Thumbnails to choose from: buttons with a background picture, usable by keyboard and screen reader."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Thumbnail:
    """One picture to choose.

    Attributes:
        label: What stands below it, Markdown.
        file: A PNG or JPEG of ours, square.
        help: What a pointer resting on it reads.
    """

    label: str
    file: bytes
    help: str | None = None


def thumbnails(
    items: Mapping[str, Thumbnail],
    *,
    key: str,
    on_click: Callable[[str], None],
    chosen: str | None = None,
    side: int = 72,
    pixelated: bool = False,
) -> None:
    """Show pictures in a row that wraps; a click calls `on_click` with the name of the picture.

    Args:
        items: The pictures by name; a name is made of letters, digits and underscores.
        key: Streamlit's key of the row; that of a button is the key, an underscore and the picture's name.
        on_click: Runs before the page does.
        chosen: The name of the one that is outlined.
        side: Screen pixels.
        pixelated: Whether the pixels are to be seen.
    """
    st.html(f"<style>{_frame(key, side, pixelated)}{''.join(_face(key, *item) for item in items.items())}</style>")
    with st.container(horizontal=True, gap="xsmall", key=key):
        for name, item in items.items():
            st.button(
                item.label,
                key=f"{key}_{name}",
                help=item.help,
                type="primary" if name == chosen else "secondary",
                on_click=on_click,
                args=(name,),
            )


def _frame(key: str, side: int, pixelated: bool) -> str:
    return f"""
    .st-key-{key} button {{
        width: {side + 10}px; padding: {side + 8}px 2px 2px; min-height: 0; overflow: hidden;
        background-size: {side}px {side}px; background-position: 4px 4px; background-repeat: no-repeat;
        image-rendering: {"pixelated" if pixelated else "auto"};
    }}
    .st-key-{key} button p {{ font-size: {0.8 if side > 50 else 0.7}rem; line-height: 1.3; }}
    .st-key-{key} button :is([data-testid="stMarkdownContainer"], p) {{
        white-space: normal !important; overflow-wrap: break-word;
    }}
    """


def _face(key: str, name: str, item: Thumbnail) -> str:
    kind = "png" if item.file.startswith(b"\x89PNG") else "jpeg"
    data = base64.b64encode(item.file).decode("ascii")
    return f".st-key-{key}_{name} button {{ background-image: url(data:image/{kind};base64,{data}); }}"
