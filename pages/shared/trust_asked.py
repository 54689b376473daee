"""Which map is checked, and how it is made again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import ConvScopeError
from core.explain.method import Method
from core.explain.methods import METHODS
from pages.shared import results
from pages.shared.explanation_controls import chosen_methods, method_options
from pages.shared.jobs import Progress, background
from pages.shared.layout import plain

if TYPE_CHECKING:
    from core.explain.attribution import Attribution
    from core.explain.repeats import Explain

AT_ONCE = 4_000  # passes of an image of 32 × 32: what costs more waits for a click
_PIXELS = 32 * 32


@dataclass(frozen=True)
class Asked:
    """One map: of which network, which picture, which class, by which method with which settings.

    Attributes:
        options: The settings that differ from the method's own, by name.
    """

    weights: results.Weights
    picture: results.Picture
    target: int
    method: Method
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def picture_key(self) -> tuple[Any, ...]:
        """A key for what depends on the class of the picture alone."""
        return *self.weights.mark, self.picture.digest, self.target

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
        """The class in words; may hold what a user wrote."""
        return results.class_names(self.weights.run)[self.target]

    def explain(self) -> "Explain":
        """Return what makes the map, of any network and image: for threads without a page."""
        from core.explain.attribution import attribute

        return partial(attribute, method=self.method.name, **dict(self.options))

    def image(self) -> Any:
        """Return the picture as the network receives it, (C, H, W); raises `ConvScopeError`."""
        return results.tensor(self.weights.run, self.picture)[0]

    def found(self) -> "Attribution | None":
        """Return the map, or draw how far it is and return None; raises `ConvScopeError`."""
        if not costly(self.passes, self.picture):
            return results.attribution(self.weights, self.picture, self.target, self.method.name, **dict(self.options))
        return background(
            ("map", *self.key),
            partial(_explained, self.explain(), results.model(self.weights), self.image(), self.target),
            words=self.method.title,
            place="trust_map",
            ask=f"Compute this map: {self.passes:,} passes through the network",
        )


def _explained(explain: "Explain", model: Any, image: Any, target: int, progress: Progress) -> "Attribution":
    return explain(model, image, target, progress=progress)


def costly(passes: int, picture: results.Picture) -> bool:
    """Say whether so many passes of a picture are too many to make unasked."""
    return passes * picture.shape[1] * picture.shape[2] > AT_ONCE * _PIXELS


def ask_map(both: Sequence[results.Weights], picture: results.Picture, target: int) -> Asked:
    """Ask which of the chosen methods to check; of two networks it is the first that is checked."""
    names, key = chosen_methods() or tuple(METHODS)[:1], "trust_method"
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[0]
    name = st.selectbox(
        "Map to check",
        names,
        format_func=lambda name: METHODS[name].title,
        key=key,
        persist_state="session",
        width=280,
        help="One of the methods chosen under Maps, with its settings.",
    )
    if len(both) > 1:
        st.caption("The checks are about network A.")
    return Asked(both[0], picture, target, METHODS[name], tuple(sorted(method_options(name).items())))


def unfit(asked: Asked) -> str | None:
    """Say why the method cannot explain this network, as Markdown, or return None if it can."""
    from core.explain.fitness import why_not

    reason = why_not(results.model(asked.weights), asked.method.name, asked.method.resolve(dict(asked.options)))
    return plain(reason) if reason else None


def attempt(check: Any) -> Any:
    """Return what a check gives, or the error that it raises, so that others can still be shown."""
    try:
        return check()
    except ConvScopeError as error:
        return error
