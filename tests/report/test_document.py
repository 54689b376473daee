"""A lab report stands alone, says what was recorded and measured, and shows what people wrote as text."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import confusion_matrix

from core.data.catalog import DATASETS
from core.data.datasets import load_dataset
from core.errors import ExplainError, RunError
from core.evaluation.answers import answers_of
from core.exchange.__main__ import main
from core.explain.attribution import attribute
from core.model.build import build_model
from core.model.layers import Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.report.document import lab_report
from core.report.explanations import DEFAULT_METHODS, ExplanationChoice, choose_images
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.train.config import TrainConfig

HOSTILE = '<script>alert(1)</script><img src="http://evil/x.png" onerror=alert(1)>"\'&{{ 7*7 }}'


class Document(HTMLParser):
    """What is in a page: its tags with their attributes, and the text of some of them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("img", "meta", "br"):
            self._open.append(tag)
            self.words.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        for tag in set(self._open):
            self.words[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def report(store, trained) -> Document:
    return Document(lab_report(store, trained))


def test_it_asks_nothing_of_any_other_place_and_runs_no_script(report):
    assert not {tag for tag, _ in report.tags} & {"script", "link", "iframe", "object", "embed", "form", "base"}
    for tag, attributes in report.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "srcset", "data", "action"):
                assert value.startswith(("data:image/", "#")), (tag, value[:60])
            assert "url(" not in value.lower()
    (policy,) = [meta["content"] for meta in report.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'; img-src data:")
    assert "@import" not in report.words["style"][0] and "url(" not in report.words["style"][0]


def test_every_picture_has_words_and_every_table_a_caption(report):
    pictures = report.all("img")
    assert len(pictures) == 2 + 4 * (1 + len(DEFAULT_METHODS))  # curves, filters, images with their maps
    assert all(picture["alt"] for picture in pictures)
    for picture in pictures:
        kind, _, content = picture["src"].partition(";base64,")
        content = base64.b64decode(content)
        if kind == "data:image/png":
            assert min(Image.open(io.BytesIO(content)).size) > 8
        else:
            assert content.startswith(b"<svg") and b"http://" not in content.replace(b"http://www.w3.org/", b"")
    assert len(report.all("table")) == len(report.all("caption")) > 5
    assert len(report.all("h1")) == 1 and len(report.all("h2")) >= 7
    assert all("scope" in cell for cell in report.all("th"))
    targets = {attributes["id"] for _, attributes in report.tags if "id" in attributes}
    assert {link["href"].removeprefix("#") for link in report.all("a")} <= targets


def test_numbers_are_those_of_the_run(report, store, trained):
    run, dataset = store.get(trained), load_dataset("digits")
    model = store.load_model(trained)
    answers = answers_of(model, dataset.test.images, dataset.test.labels, normalize=dataset.normalize)
    text = " ".join(report.words["body"][0].split())
    assert f"{run.test_accuracy:.1%}" in text and f"{answers.right.mean():.1%}" in text
    counts = confusion_matrix(answers.labels, answers.predicted)
    cells = [
        word for word, attributes in zip(report.words["td"], report.all("td"), strict=True) if "style" in attributes
    ]
    np.testing.assert_array_equal(np.array(cells, dtype=int).reshape(10, 10), counts)
    assert "nn.Conv2d(1, 6, kernel_size=3" in text
    assert "LR = 0.01" in report.words["pre"][0]  # the script, with its line breaks
    assert report.words["pre"][0].count("\n") > 80


def test_explained_are_the_surest_right_and_wrong_answers_of_different_classes(store, trained):
    dataset = load_dataset("digits")
    model = store.load_model(trained)
    answers = answers_of(model, dataset.test.images, dataset.test.labels, normalize=dataset.normalize)
    indices = choose_images(answers)
    right, wrong = [index for index in indices if answers.right[index]], [i for i in indices if not answers.right[i]]
    assert len(right) == len(wrong) == 2
    assert answers.confidence[right[0]] == answers.confidence[answers.right].max()
    assert answers.confidence[wrong[0]] == answers.confidence[~answers.right].max()
    assert all(len({int(answers.labels[index]) for index in group}) == 2 for group in (right, wrong))


def test_what_a_reader_wishes_to_see_comes_first_and_by_the_methods_that_were_asked_for(store, trained):
    report = Document(lab_report(store, trained, choice=ExplanationChoice((7, 3), ("saliency",))))
    explained = [title for title in report.words["h3"] if title.startswith("Test image")]
    assert [title.split(":")[0] for title in explained[:2]] == ["Test image 7", "Test image 3"]
    assert 2 < len(explained) <= 6
    assert sum(words == "Saliency" for words in report.words["strong"]) == len(explained)
    assert not any("Grad-CAM" in words for words in report.words["strong"])
    with pytest.raises(ExplainError, match="no test image 300"):
        lab_report(store, trained, choice=ExplanationChoice((300,)))
    for wrong in ({"methods": ()}, {"methods": ("tea_leaves",)}, {"images": tuple(range(13))}):
        with pytest.raises(ExplainError):
            ExplanationChoice(**wrong)


def test_it_says_what_a_map_promises_and_where_it_falls_short(store, trained):
    dataset, model = load_dataset("digits"), store.load_model(trained)
    report = Document(lab_report(store, trained, choice=ExplanationChoice((7,), ("lrp",))))
    image = dataset.normalize(dataset.test.images[7])
    gap = attribute(model, image, int(model(image[None]).argmax()), "lrp").gap
    assert gap.shortfall and gap.text in " ".join(report.words["figcaption"])


@pytest.mark.parametrize(("well", "place"), [(0, "The test"), (6, "Occlusion")])
def test_a_network_that_fails_leaves_the_rest_of_the_report(well, place, store, trained, monkeypatch):
    load, calls = store.load_model, []

    def fail(*_):
        calls.append(1)
        if len(calls) > well:
            raise ValueError("injected fault")

    def load_faulty(*args):
        model = load(*args)
        model.register_forward_pre_hook(fail)
        return model

    monkeypatch.setattr(store, "load_model", load_faulty)
    report = Document(lab_report(store, trained, choice=ExplanationChoice((), ("occlusion",))))
    words = " ".join(report.words["body"][0].split())
    assert f"{place} failed on this network (ValueError: injected fault)" in words
    assert "LR = 0.01" in words and len(report.all("img")) >= 2


def test_the_maps_are_those_of_the_explanations(store, trained):
    from core.explain.attribution import heatmap
    from core.explain.methods.registry import METHODS
    from core.explain.strength import strength_of
    from core.figures.overlays import faded, overlay
    from core.report.explanations import report_explanations

    dataset, model = load_dataset("digits"), store.load_model(trained)
    answers = answers_of(model, dataset.test.images, dataset.test.labels, normalize=dataset.normalize)
    first = next(iter(report_explanations(model, dataset, answers)))
    raw = dataset.test.images[first.index]
    found = attribute(model, dataset.normalize(raw), int(answers.predicted[first.index]), "grad_cam")
    shown = np.repeat(raw.numpy().transpose(1, 2, 0), 3, axis=2)
    about = METHODS["grad_cam"]
    strength = strength_of(found)
    drawn = overlay(
        faded(shown, found.signed),
        heatmap(found).numpy(),
        signed=found.signed,
        positive=about.positive,
        zoom=1,
        full_colour=strength.full_colour,
    )
    (map_,) = [map_ for map_ in first.maps if map_.method == about.title]
    picture = Image.open(io.BytesIO(base64.b64decode(map_.picture.uri.partition(",")[2])))
    small = np.asarray(picture)[:: picture.height // 8, :: picture.width // 8]
    np.testing.assert_array_equal(small, drawn.pixels)
    assert map_.text == " ".join(filter(None, (drawn.text, strength.text)))


def test_what_people_wrote_is_text(store, trained, monkeypatch):
    names = (HOSTILE, *DATASETS["digits"].class_names[1:])
    monkeypatch.setitem(DATASETS, "digits", replace(DATASETS["digits"], class_names=names, title=HOSTILE))
    store.change(trained, name=HOSTILE[:80], message=HOSTILE)
    store.annotate(trained, f"{HOSTILE}\n</div></section>{HOSTILE}")
    text = lab_report(store, trained)
    report = Document(text)
    assert not {tag for tag, _ in report.tags} & {"script", "iframe"}
    assert all(picture["src"].startswith("data:") for picture in report.all("img"))
    assert report.words["h1"][0] == HOSTILE[:80]
    (note,) = [
        word for word, found in zip(report.words["div"], report.all("div"), strict=True) if found.get("class") == "note"
    ]
    assert note == f"{HOSTILE}\n</div></section>{HOSTILE}"
    assert "{{ 7*7 }}" in text and HOSTILE in report.words["body"][0]


def test_without_weights_or_data_it_says_what_is_left_out(store, trained):
    store.checkpoint(trained).write_bytes(b"damaged")
    words = " ".join(Document(lab_report(store, trained)).words["body"][0].split())
    assert (
        "The test, the filters and the explanations: The checkpoint latest.safetensors is missing or damaged" in words
    )
    assert "There are none to show." in words and "LR = 0.01" in words


def test_a_data_set_that_is_gone_leaves_filters_and_curves(store, trained):
    store.change(trained, dataset="gone")
    report = Document(lab_report(store, trained))
    words = " ".join(report.words["body"][0].split())
    assert re.search("The test and the explanations: The images of .* are not on this computer: bring them in", words)
    assert len(report.all("img")) == 2


def test_how_many_convolutions_are_left_out_is_said(store):
    spec = ModelSpec("deep", (1, 8, 8), 10, (*[Conv(2)] * 6, Flatten(), Dense(10)))
    run_id = store.create(spec, TrainConfig(), "digits")
    store.change(run_id, dataset="gone")
    save_checkpoint(store.checkpoint(run_id), Checkpoint(build_model(spec).state_dict()))
    words = " ".join(Document(lab_report(store, run_id)).words["body"][0].split())
    assert "Of its 6 convolutions, the first 4." in words


def test_scores_that_are_no_numbers_are_left_out(store, trained):
    weights = {name: torch.full_like(value, 3e38) for name, value in store.load_model(trained).state_dict().items()}
    save_checkpoint(store.checkpoint(trained), Checkpoint(weights))
    words = Document(lab_report(store, trained)).words["body"][0]
    assert "The test: The network's scores are not finite numbers" in words


def test_progress_rises_to_the_end_and_may_cancel(store, trained):
    told: list[int] = []
    lab_report(store, trained, progress=lambda done, total: told.append(100 * done // total))
    assert told == sorted(told) and told[-1] == 100 and len(told) > 20

    class Enough(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done > 60:
            raise Enough

    with pytest.raises(Enough):
        lab_report(store, trained, progress=stop)


def test_the_same_run_makes_the_same_report(store, trained):
    first, second = (re.sub('data:image/svg[^"]*', "", lab_report(store, trained)) for _ in range(2))
    assert first == second  # but for the running numbers inside the drawing


def test_the_command_line_writes_it(trained, tmp_path, capsys):
    target = tmp_path / "report.html"
    assert main(["report", trained, str(target)]) == 0
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert main(["report", trained, str(target), "--image", "9", "--method", "saliency"]) == 0
    assert "Test image 9:" in target.read_text(encoding="utf-8")
    assert main(["card", trained, str(tmp_path / "card.md")]) == 0
    assert (tmp_path / "card.md").read_text(encoding="utf-8").startswith("# A run\n")
    assert main(["report", "0123456789", str(tmp_path / "no.html")]) == 1
    assert "no such run" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.md", "report.html"]


def test_an_unknown_run_is_one_sentence(store):
    with pytest.raises(RunError, match="no such run"):
        lab_report(store, "0123456789")
