"""An app that asks for files where its address says so, behind what stands before the whole app."""

import streamlit as st

if __name__ == "__main__":
    if "ask" in st.query_params:
        picture = st.file_uploader("A picture", type=["png"], max_upload_size=1, key="picture")
        archive = st.file_uploader("An archive", type=["zip"], max_upload_size=64, key="archive")
        if archive is not None:
            st.session_state["copy"] = archive.getvalue() + b"."
            st.button("Use it", on_click=str, args=(archive.getvalue() + b"!",))
        st.text(f"{getattr(archive, 'size', 0)} bytes")

    @st.cache_resource(show_spinner=False)
    def shared() -> list[int]:
        """Return what all visitors share."""
        return []

    shared().append(1)
    st.text(f"{len(shared())} runs")
else:
    from pages.shared.server.middleware import beside, middleware

    app = st.App(__file__, lifespan=beside, middleware=middleware())
