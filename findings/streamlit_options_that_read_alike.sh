#!/usr/bin/env bash
# streamlit 1.67.0: of two options of a list that read alike, only the last can be chosen.
#
# Expected: `format_func` is for the eye; the widget returns the option that was chosen, whatever others are called.
# Happens: the browser sends the text of an option back, and the server looks up the option by its text: of two with the
#   same text it takes the last. Choosing the first of two trainings of one name opens the second.
# Cause: options are mapped by their formatted text (the selectbox's serde in streamlit/elements/widgets/selectbox.py).
# Seen: at first: a1; after choosing the first of the two: b2
# ConvScope: labels of one list never read alike (`told_apart` in the pages' controls).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet streamlit==1.67.0
cat > "$folder/show.py" <<'PYTHON'
import sys

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    names = {"a1": "Small network", "b2": "Small network", "c3": "Other"}
    st.text(st.selectbox("Training", list(names), format_func=names.__getitem__))


app = AppTest.from_function(page).run()
first = app.text[0].value
app.selectbox[0].select_index(0).run()
chosen = app.text[0].value
print(f"at first: {first}; after choosing the first of the two: {chosen}")
sys.exit(0 if (first, chosen) == ("a1", "b2") else 1)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null
