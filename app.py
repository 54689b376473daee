"""The entry: `streamlit run app.py` serves the app, which runs `visit.py` for what each visitor asks for."""

import streamlit as st

from pages.shared.shell import visit

if __name__ == "__main__":  # run as a script itself: in a test, say
    visit.frame.show()
else:  # once, by the server
    from core.train.process_tuning import compute_on_one_core
    from pages.shared.server import phone
    from pages.shared.server.middleware import beside, middleware
    from pages.shared.widgets.script_files import routes

    compute_on_one_core()
    app = st.App(visit.__file__, lifespan=beside, middleware=middleware(), routes=[*routes(), *phone.routes()])
