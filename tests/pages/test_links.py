"""A link rebuilds a network with its settings exactly; anything else in it is refused with a sentence."""

import json
import zlib
from base64 import urlsafe_b64encode
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import ConvScopeError
from core.model.presets import PRESETS
from core.model.spec import MAX_TEXT
from core.options import options
from core.train.config import TrainConfig
from pages.shared.run.share_link import whole_link
from pages.shared.shell import session
from pages.shared.shell.draft_link import MAX_NETWORK, read_link, settings_link, to_text
from pages.shared.shell.layout import escape_markdown

DRAFT = session.new_draft("digits", "lenet5")
LINK = settings_link(DRAFT.dataset, DRAFT.spec, TrainConfig(lr=0.01))


def packed(content: bytes) -> str:
    return urlsafe_b64encode(zlib.compress(content)).decode().rstrip("=")


def altered(**fields: object) -> str:
    return packed(json.dumps(json.loads(DRAFT.spec.to_json()) | fields).encode())


@pytest.mark.parametrize("dataset", ["digits", "mnist5k", "cifar10"])
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_comes_back_as_it_was(dataset: str, name: str) -> None:
    draft = session.new_draft(dataset, name)
    config = TrainConfig(epochs=7, lr=3e-4, optimizer="sgd", flip=0.5, seed=2**31 - 1, inputs="unit")
    assert read_link(settings_link(dataset, draft.spec, config)) == (draft, config)


@pytest.mark.parametrize("setting", options(TrainConfig), ids=lambda setting: setting.name)
def test_every_setting_comes_back_as_it_was(setting: object) -> None:
    values = [value for value in (*setting.choices, setting.min, setting.max) if value is not None]
    assert values
    for value in values:
        config = replace(TrainConfig(), **{setting.name: value})
        assert read_link(settings_link(DRAFT.dataset, DRAFT.spec, config)) == (DRAFT, config)


def test_only_what_differs_from_the_defaults_is_written() -> None:
    assert set(settings_link(DRAFT.dataset, DRAFT.spec, TrainConfig())) == {"data", "net"}
    assert LINK["lr"] == "0.01"
    assert set(LINK) == {"data", "net", "lr"}


@pytest.mark.parametrize("name", PRESETS)
def test_a_whole_link_is_short_enough_for_a_message(name: str) -> None:
    link = whole_link("digits", session.new_draft("digits", name).spec, TrainConfig(lr=0.5, loss="mse"))
    assert len(link) < 700
    parts = urlsplit(link)
    assert parts.path == "/build"
    assert {key: value for key, (value,) in parse_qs(parts.query).items()} == settings_link(
        "digits", session.new_draft("digits", name).spec, TrainConfig(lr=0.5, loss="mse")
    )


def test_what_the_address_says_besides_is_no_hindrance() -> None:
    assert read_link(LINK | {"run": "0123456789", "epoch": "3"})[0] == DRAFT


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"net": ""}, "is cut off"),
        ({"net": "%%%"}, "cannot be read"),
        ({"net": "eJzäöü"}, "cannot be read"),
        ({"net": LINK["net"][:40]}, "is cut off"),
        ({"net": LINK["net"][:-4]}, "is cut off"),
        ({"net": packed(b"\xff\xfe{}")}, "cannot be read"),
        ({"net": packed(b"hello")}, "not valid JSON"),
        ({"net": packed(b"[" * 50_000)}, "not valid JSON"),
        ({"net": packed(b" " * (MAX_TEXT + 1))}, "is too large"),
        ({"net": "A" * (MAX_NETWORK + 1)}, "is too long"),
        ({"net": packed(b"__import__('os').system('true')")}, "not valid JSON"),
        ({"net": altered(layers=[{"kind": "os.system"}])}, "unknown kind"),
        ({"net": altered(layers=[{"kind": "conv", "out_channels": 10**9}])}, "filters"),
        ({"net": altered(input_shape=[3, 512, 512])}, "does not fit the images"),
        ({"net": altered(num_classes=1000)}, "does not fit the images"),
        ({"net": altered(name="two\nlines")}, "one line"),
        ({"data": "nobody's"}, "no data set"),
        ({"data": "../../etc"}, "no data set"),
        ({"data": None}, "not whole"),
        ({"net": None}, "not whole"),
        ({"lr": "fast"}, "is no number"),
        ({"lr": "nan"}, "learning rate"),
        ({"lr": "inf"}, "learning rate"),
        ({"lr": "1e999"}, "learning rate"),
        ({"epochs": "1.5"}, "is no number"),
        ({"epochs": "9" * 5000}, "epochs"),
        ({"epochs": "-1"}, "epochs"),
        ({"optimizer": "<script>"}, "optimiser"),
        ({"device": "cuda:0; rm -rf /"}, "device"),
        ({"pickle": "gASV"}, "unknown setting 'pickle'"),
        ({"x" * 500: "1"}, "unknown setting"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(changes: dict[str, str | None], words: str) -> None:
    params = {name: value for name, value in (LINK | changes).items() if value is not None}
    with pytest.raises(ConvScopeError) as refusal:
        read_link(params)
    assert words in str(refusal.value)
    assert str(refusal.value).endswith(".")
    assert len(str(refusal.value)) < 1000


def test_a_bomb_is_never_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = packed(b" " * 5_000_000)
    assert len(bomb) < MAX_NETWORK
    unpacked = []
    real = zlib.decompressobj

    class Watched:
        def __init__(self) -> None:
            self.stream = real()

        def decompress(self, data: bytes, length: int) -> bytes:
            unpacked.append(self.stream.decompress(data, length))
            return unpacked[-1]

        def __getattr__(self, name: str) -> object:
            return getattr(self.stream, name)

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    with pytest.raises(ConvScopeError, match="too large"):
        read_link(LINK | {"net": bomb})
    assert max(map(len, unpacked)) <= MAX_TEXT


def build_page() -> None:
    from pages.shared.run import share_link
    from pages.shared.shell.layout import page

    page("build")
    share_link.follow_link()


def open_link(params: dict[str, str]) -> AppTest:
    app = AppTest.from_function(build_page, default_timeout=60)
    for name, value in params.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def test_following_a_link_takes_everything_over_and_clears_the_address() -> None:
    app = open_link(LINK | {"run": "0123456789"})
    assert not app.error
    assert app.session_state["draft"] == DRAFT
    assert app.session_state["config"] == TrainConfig(lr=0.01)
    draft = to_text(DRAFT, TrainConfig(lr=0.01))  # which a reload of the page finds again
    assert dict(app.query_params) == {"run": "0123456789", "draft": draft}
    assert app.session_state["desk"].past  # it can be undone


def test_a_broken_link_changes_nothing_and_says_why() -> None:
    app = open_link(LINK | {"lr": "<b>fast</b>"})
    assert [error.value for error in app.error] == [
        escape_markdown("The link's learning rate is no number, but '<b>fast</b>': copy the link again.")
    ]
    assert "draft" not in app.session_state
    assert not app.query_params


def test_an_address_without_a_link_is_left_alone() -> None:
    app = open_link({"run": "0123456789"})
    assert not app.error
    assert "draft" not in app.session_state
    assert dict(app.query_params) == {"run": "0123456789"}
