"""Which map is checked, and how it is made again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.explain.attribution import attribute
from core.explain.compatibility import incompatibility
from core.explain.methods.base import Method
from core.explain.methods.registry import METHODS
from core.explain.metrics.verdicts import Verdict
from core.formatting import duration
from core.inference.network import Network
from pages.shared.explanation.controls import ask_chosen_method, chosen_methods, method_options, seconds_of
from pages.shared.network import current_network, inference
from pages.shared.picture import input_image
from pages.shared.shell.background_jobs import background, lane_of
from pages.shared.shell.layout import escape_markdown

if TYPE_CHECKING:
    from core.explain.attribution import Attribution
    from core.explain.metrics.sensitivity import Explain

SECONDS_IN_FOREGROUND = 0.4  # what takes longer is computed in the background
SECONDS_WITHOUT_PRESS = 8.0  # what takes longer waits for a press


@dataclass(frozen=True)
class TrustRequest:
    """One map: of which network, which picture, which class, by which method with which settings.

    Attributes:
        versus: The class that is held against it, if any.
        options: The method's settings by name.
    """

    network: Network
    picture: input_image.InputImage
    target: int
    method: Method
    versus: int | None = None
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def picture_key(self) -> tuple[Any, ...]:
        """A key for what depends on the class of the picture alone."""
        return *self.network.cache_key, self.picture.digest, self.target, self.versus

    @property
    def key(self) -> tuple[Any, ...]:
        """A key for what depends on the map."""
        return *self.picture_key, self.method.name, *self.options

    @property
    def passes(self) -> int:
        """Passes through the network that the map costs."""
        return self.method.passes(self.method.resolve(dict(self.options)), self.picture.shape)

    @property
    def title(self) -> str:
        """The class in words, as Markdown that shows it as it stands."""
        names = self.network.class_names
        against = "" if self.versus is None else f"” and not “{names[self.versus]}"
        return escape_markdown(names[self.target] + against)

    def explain(self) -> "Explain":
        """Return what makes the map, of any network and image: for threads without a page."""
        others = self.network.background
        return partial(attribute, method=self.method.name, versus=self.versus, background=others, **dict(self.options))

    def image(self) -> Any:
        """Return the picture as the network receives it, (C, H, W); raises `ConvScopeError`."""
        return self.network.normalize(self.picture.tensor())

    def seconds(self, passes: int) -> float:
        """Return how long so many passes of the picture may take, at most."""
        return passes * current_network.pass_seconds(self.network)

    def ask(self, words: str, passes: int) -> str:
        """Return the label of the button that so many passes wait for; empty if they are made unasked."""
        seconds = self.seconds(passes)
        return "" if seconds <= SECONDS_WITHOUT_PRESS else f"{words}, about {duration(seconds)}"

    def found(self) -> "Attribution | None":
        """Return the map, or draw how far it is and return None; raises `ConvScopeError`."""
        options: dict[str, Any] = dict(self.options)
        work = partial(
            inference.attribution,
            self.network,
            self.picture,
            self.target,
            self.method.name,
            versus=self.versus,
            **options,
        )
        if self.seconds(self.passes) <= SECONDS_IN_FOREGROUND:
            return work()
        return background(
            ("map", *self.key),
            lambda tell: work(progress=tell),
            words=self.method.title,
            place="trust_map",
            ask=self.ask("Compute this map", self.passes),
            lane=lane_of(self.seconds(self.passes)),
        )


def ask_map(networks: Sequence[Network], picture: input_image.InputImage, target: int) -> TrustRequest:
    """Ask which of the chosen methods to check, and against which class; of two networks the first is checked."""
    names = chosen_methods() or tuple(METHODS)[:1]
    ready = _ready(networks[0], names)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        name = ask_chosen_method("Map to check", names, "trust_method", first=ready)
        versus = _ask_versus(networks[0], picture, target)
    if len(networks) > 1:
        st.caption("The checks are about network A.")
    return TrustRequest(
        networks[0], picture, target, METHODS[name], versus, tuple(sorted(method_options(name).items()))
    )


def _ready(network: Network, names: Sequence[str]) -> str:
    """Return the first method that can explain the network and is computed at once, else the quickest that can."""
    seconds = {
        name: seconds_of(network, name, method_options(name))
        for name in names
        if incompatibility(network.model, name, METHODS[name].resolve(method_options(name))) is None
    }
    quick = (name for name, taken in seconds.items() if taken <= SECONDS_IN_FOREGROUND)
    return next(quick, min(seconds, key=seconds.__getitem__, default=names[0]))


def _ask_versus(network: Network, picture: input_image.InputImage, target: int) -> int | None:
    names, likely = network.class_names, inference.probabilities(network, picture)
    return st.selectbox(
        f"Why “{escape_markdown(names[target])}” and not …",
        [index for index in (-likely).argsort(kind="stable").tolist() if index != target],
        index=None,
        format_func=names.__getitem__,
        placeholder="A class to hold against it",
        key=f"trust_versus_{network.id}_{target}",
        width=280,
        help="Then the map explains the difference of the two scores, and probabilities are those between the two.",
    )


def unfit(request: TrustRequest) -> str | None:
    """Say why the method cannot explain this network, as Markdown, or return None if it can."""
    reason = incompatibility(request.network.model, request.method.name, request.method.resolve(dict(request.options)))
    return escape_markdown(reason) if reason else None


_SIGNS = {
    "for": ":green[:material/check_circle:]",
    "against": ":red[:material/cancel:]",
    "open": ":orange[:material/help:]",
}
STYLE = """<style>
[class*="st-key-trust_"] img { image-rendering: pixelated; }
[class*="st-key-trust_"] [data-testid="stElementToolbar"] { display: none; }
[class*="st-key-abouttrust_"] button > div > [aria-hidden] { display: none; }
[class*="st-key-trust_"] [data-testid="stMetricValue"] { font-size: 1.6rem; }
</style>"""


def head(title: str, about: str, source: str, key: str) -> None:
    """Write the title of a check, with what it is behind a question mark."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{title}**", width="content")
        with st.popover("", icon=":material/help:", type="tertiary", key=f"abouttrust_{key}"):
            st.markdown(about)
            st.caption(source)


def number(label: str, value: str, better: str, chance: str) -> None:
    """Write a number, which way it is good and what a random map scores.

    Args:
        label: What it is.
        value: The number in words.
        better: "lower", "higher" or "nearer to zero".
        chance: What a random map scores, a few words.
    """
    st.metric(label, value)
    st.caption(f"{better[0].upper()}{better[1:]} is better. {chance}")


def say(verdict: Verdict, before: str = "") -> None:
    """Write a verdict behind its sign; `before` is evidence of ours or plain text that goes in front of it."""
    st.markdown(f"{_SIGNS[verdict.speaks]} {before}{escape_markdown(verdict.text)}")


def tally(verdicts: list[Verdict]) -> str:
    """Say in a sentence what several checks say together, as Markdown."""
    counts = {speaks: sum(each.speaks == speaks for each in verdicts) for speaks in _SIGNS}
    for speaks, words in (("for", "speak for this map"), ("against", "speak against this map")):
        if counts[speaks] == len(verdicts):
            return f"{_SIGNS[speaks]} **All {len(verdicts)} of the checks below {words}.**"
    parts = {"for": "for this map", "against": "against it", "open": "undecided"}
    counted = ", ".join(f"{counts[speaks]} {words}" for speaks, words in parts.items() if counts[speaks])
    return f"**The {len(verdicts)} checks below: {counted}.**"
