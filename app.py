"""The entry: `streamlit run app.py` shows the page that the address asks for."""

from pages.shared import frame

frame.show()
