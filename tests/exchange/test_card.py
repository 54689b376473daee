"""A model card says what the record says, with intervals, and what people wrote stays text."""

import math

import pytest

from core.errors import ConfigError
from core.exchange.card import as_text, model_card
from core.exchange.evaluation_evidence import interval, limits, untested
from core.model.shapes import summarize


def wilson(right: int, count: int) -> tuple[float, float]:
    """Wilson's interval by its formula (Wilson 1927), at 95%."""
    z, share = 1.959963984540054, right / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return middle - half, middle + half


@pytest.mark.parametrize(("right", "count"), [(0, 10), (10, 10), (291, 300), (1, 2)])
def test_intervals_are_wilson_s(right, count):
    low, high = wilson(right, count)
    assert interval(right / count, count) == f"{100 * low:.1f}–{100 * high:.1f}%".replace("-0.0", "0.0")
    assert interval(0.5, 0) == "–"


def test_the_card_holds_what_was_recorded(trained, store):
    run = store.get(trained)
    card = model_card(store, run)
    assert f"| 300 | {run.test_accuracy:.1%} | {interval(run.test_accuracy, 300)} | {run.test_loss:.4f} |" in card
    assert f"{sum(layer.num_params for layer in summarize(run.spec)):,} parameters" in card
    assert "- Images: 160 of 1,197 to learn from, 300 for validation, 300 for the test" in card
    assert "- Licence: CC BY 4.0" in card
    assert "- Changed after batch 4: learning rate 0.01 → 0.001" in card
    assert "It learned from 160 images only." in card
    assert "python predict.py" in card and 'torch.export.load("n-run.pt2")' in card
    assert [line for line in card.splitlines() if line.startswith("# ")] == ["# Ünï → run"]


def test_what_people_wrote_is_text(trained, store):
    store.change(trained, name="# <script>x</script> [a](http://b) *c*", message="<img src=x> | `d`")
    store.annotate(trained, "```\n</code><script>\n# not a heading")
    card = model_card(store, store.get(trained))
    outside = "\n".join(line for line in card.splitlines() if not line.startswith("    "))
    assert "\\<script\\>x\\</script\\> \\[a\\](http://b) \\*c\\*" in outside
    assert "<script" not in outside.replace("\\<script", "") and "<img" not in outside.replace("\\<img", "")
    assert "    # not a heading" in card.splitlines() and "    </code><script>" in card.splitlines()
    assert as_text("1. a\n2. b") == "1\\. a 2. b"
    assert as_text("- a") == "\\- a"


def test_limits_follow_from_the_record(trained, store):
    run = store.get(trained)
    said = list(limits(run))
    assert f"{abs(run.train_accuracy - run.valid_accuracy) * 100:.1f} points" in said[-1]
    assert any("were not varied" in sentence for sentence in said)
    store.change(trained, status="stopped", test_accuracy=None, config=run_config(run, wrong_labels=0.3, flip=0.5))
    changed = store.get(trained)
    said = list(limits(changed))
    assert any("30%" in sentence for sentence in said) and not any("were not varied" in sentence for sentence in said)
    assert any("did not finish: it is stopped after 10 of 10 batches" in sentence for sentence in said)
    assert next(untested(changed)).startswith("The test images")
    assert not next(untested(run)).startswith("The test images")


def run_config(run, **changes):
    import json

    return json.dumps({**run.config, **changes})


def test_a_run_that_was_never_measured_has_a_card_that_says_so(trained, store):
    run = store.get(store.create(store.get(trained).spec, _Config(), "gone"))
    card = model_card(store, run)
    assert "Nothing was measured." in card and "The data set `gone`, of which nothing else was recorded." in card


class _Config:
    def to_json(self) -> str:
        return "{}"


def test_settings_of_another_version_have_no_card(trained, store):
    from dataclasses import replace

    run = store.get(trained)
    with pytest.raises(ConfigError, match="magic"):
        model_card(store, replace(run, config={**run.config, "magic": 1}))
