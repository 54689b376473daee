"""The entry: `streamlit run app.py` serves the app, and runs this file again for what each visitor asks for."""

import streamlit as st

if __name__ == "__main__":  # for a visitor
    from pages.shared.shell import frame

    frame.show()
else:  # once, by the server
    from pages.shared.shell.hosts import MIDDLEWARE, announce

    app = st.App(__file__, lifespan=announce, middleware=MIDDLEWARE)
