"""Sections describe themselves: what is above them, and what is there where they do not apply."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from core.errors import RunError
    from pages.shared.shell.section import Section, draw_sections

    def fail(_: int) -> None:
        raise RunError("It cannot be drawn.")

    def say(reason: str, _: int) -> None:
        st.info(reason)

    def too_small(count: int) -> str:
        return "It takes two." if count < 2 else ""

    sections = (
        Section("plain", "Plain", lambda count: st.text(f"plain {count}")),
        Section("left_out", "Left out", st.text, why_not=too_small),
        Section(
            "said",
            "Said",
            st.text,
            heading=lambda count: f"Said of {count}",
            why_not=too_small,
            instead=lambda why, _: st.info(why),
        ),
        Section("broken", "Broken", fail),
        Section("last", "Last", st.text, why_not=lambda _: ""),
    )
    draw_sections(sections, 1)


def test_a_section_is_drawn_left_out_or_replaced_and_one_that_fails_keeps_no_other_away():
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert [heading.value for heading in app.subheader] == ["Plain", "Said of 1", "Broken", "Last"]
    assert [text.value for text in app.text] == ["plain 1", "1"]
    assert [info.value for info in app.info] == ["It takes two."]
    assert [error.value for error in app.error] == ["It cannot be drawn."]
