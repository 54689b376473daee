"""Forty tiles of 7×5 pixels, each in a grey of its own, for `test_grid.py`."""

import io
from collections import Counter

import numpy as np
import streamlit as st
from PIL import Image

from pages.shared.widgets.image_grid import Selection, image_grid

COUNT, HEIGHT, WIDTH, COLUMNS = 40, 5, 7, 8

st.set_page_config(layout="wide")
if not (visitor := st.text_input("Visitor")):  # each has a grid of its own
    st.stop()
runs = st.session_state.setdefault("runs", Counter())
runs[visitor] += 1
offset = 100 if st.checkbox("Another sheet", key=f"sheet of {visitor}") else 0
tiles = np.arange(COUNT, dtype="uint8").reshape(-1, 1, COLUMNS, 1) + np.uint8(offset)
pixels = np.broadcast_to(tiles, (COUNT // COLUMNS, HEIGHT, COLUMNS, WIDTH)).reshape(-1, COLUMNS * WIDTH)
png = io.BytesIO()
Image.fromarray(pixels).save(png, "PNG")
chosen = image_grid(
    png.getvalue(),
    count=COUNT,
    width=WIDTH,
    height=HEIGHT,
    columns=COLUMNS,
    key=f"grid of {visitor}",
    label="Forty greys",
    tile_labels=[f"<b>grey</b> {tile}" for tile in range(COUNT)],
    dead={3},
    selected=Selection(0, 1, 2),
)
st.text(f"chosen {chosen}")
st.text(f"runs {runs[visitor]} of {visitor}")
