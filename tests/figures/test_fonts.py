"""Letters in pictures: every line fits, nothing of a text gets lost, and what a font lacks has a stand-in."""

import importlib.util

import pytest
from PIL import ImageFont

from core.figures.fonts import font, lines, spelled


def test_lines_fit_and_keep_every_word() -> None:
    letters = font(20)
    text = "Red: pixels that raised the score. Blue: pixels that lowered it."
    broken = lines(text, letters, 220)
    assert len(broken) > 2
    assert " ".join(broken) == text
    assert all(letters.getlength(line) <= 220 for line in broken)


def test_a_word_that_is_too_long_is_broken_anywhere() -> None:
    letters = font(20)
    broken = lines("x" * 200 + " end", letters, 100)
    assert "".join(broken).replace(" ", "") == "x" * 200 + "end"
    assert all(letters.getlength(line) <= 100 for line in broken)
    assert lines("ab", letters, 1) == ["a", "b"]


def test_an_empty_text_has_no_lines() -> None:
    assert lines("", font(20), 100) == []
    assert lines(" \n\t ", font(20), 100) == []


def test_control_characters_and_line_breaks_are_not_drawn() -> None:
    assert spelled("a\nb\x00\u202ec", font(20)) == "a bc"


def test_the_signs_of_the_app_are_letters_of_the_font() -> None:
    text = "3 × 3 − “cat” · Grad-CAM → Ünï…"
    assert spelled(text, font(20)) == text
    assert "?" in spelled("数", font(20))


def test_a_font_with_few_letters_gets_what_comes_nearest() -> None:
    assert spelled("3 × 3 − é “cat”", ImageFont.load_default(20)) == "3 x 3 - e “cat”"


def test_without_matplotlib_there_is_still_a_font(monkeypatch: pytest.MonkeyPatch) -> None:
    font.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    try:
        assert font(20).getname()[0] == "Aileron"  # type: ignore[union-attr]
    finally:
        font.cache_clear()
