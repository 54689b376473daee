"""The attribution methods and what a person should know of each; no torch, so that a menu costs nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

from core.errors import ExplainError

Shape = tuple[int, int, int]
Choice = int | str | None


@dataclass(frozen=True)
class Option:
    """One setting of a method: a whole number from `low` to `high`, or a layer (None: the method chooses)."""

    name: str
    label: str
    default: Choice
    help: str
    low: int | None = None
    high: int | None = None

    def check(self, value: Choice, title: str) -> Choice:
        """Return the value if it is allowed, else raise `ExplainError`."""
        if self.low is None or self.high is None:
            if value is None or isinstance(value, str):
                return value
            raise ExplainError(f"{self.label} of {title} must be the name of a layer, not {value!r}.")
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            raise ExplainError(
                f"{self.label} of {title} must be a whole number from {self.low} to {self.high}, not {value!r}."
            )
        return value


@dataclass(frozen=True)
class Method:
    """One way of explaining a prediction.

    Attributes:
        name: Its key in `METHODS`.
        title: Its name on the screen.
        paper: Authors, year and DOI or arXiv number.
        measures: What its values are, in one sentence.
        cannot: What it cannot show, in one sentence.
        signed: Whether negative values mean something.
        positive: What its positive values mark, to be read after "red:" or "light:".
        negative: What its negative values mark; None where there are none.
        passes: Passes of one image through the network, forward and backward counted apart, from its options
            and the image's shape (C, H, W): what it costs.
        options: Its settings.
    """

    name: str
    title: str
    paper: str
    measures: str
    cannot: str
    signed: bool
    positive: str
    negative: str | None
    passes: Callable[[Mapping[str, Choice], Shape], int]
    options: tuple[Option, ...] = ()

    def resolve(self, given: Mapping[str, Choice]) -> dict[str, Choice]:
        """Return every option with its value, the default where none is given; raises `ExplainError`."""
        known = {option.name: option for option in self.options}
        for name in given:
            if name not in known:
                has = f"its options are {', '.join(known)}" if known else "it has no options"
                raise ExplainError(f"{self.title} has no option {name!r}: {has}.")
        return {name: option.check(given.get(name, option.default), self.title) for name, option in known.items()}


def windows(length: int, window: int, stride: int) -> int:
    """Return how many squares of width `window` cover a side of `length` pixels, the last cut at the edge."""
    return ceil(max(length - window, 0) / stride) + 1


def _occlusion_passes(options: Mapping[str, Choice], shape: Shape) -> int:
    window, stride = int(options["window"] or 1), int(options["stride"] or 1)
    return 1 + windows(shape[1], window, stride) * windows(shape[2], window, stride)


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            name="saliency",
            title="Saliency",
            paper="Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034",
            measures="How strongly the score of the class reacts to a tiny change of each pixel: the size "
            "of the gradient, without its sign.",
            cannot="It cannot say whether a pixel speaks for or against the class, nor how much of the "
            "score it makes up.",
            signed=False,
            positive="pixels whose small changes move the score most",
            negative=None,
            passes=lambda options, shape: 2,
        ),
        Method(
            name="integrated_gradients",
            title="Integrated gradients",
            paper="Sundararajan, Taly and Yan 2017, arXiv:1703.01365",
            measures="How much each pixel added to the score of the class on the way from a plain picture "
            "in the data set's mean colour (zero after normalising) to this one; the values sum to the "
            "change of score.",
            cannot="It cannot judge pixels that have the mean colour already, and another starting "
            "picture would give another map.",
            signed=True,
            positive="pixels that raised the score",
            negative="pixels that lowered it",
            passes=lambda options, shape: 2 * int(options["steps"] or 1),
            options=(Option("steps", "Steps", 32, "Pictures on the way; more steps sum up more exactly.", 8, 256),),
        ),
        Method(
            name="guided_backprop",
            title="Guided backpropagation",
            paper="Springenberg, Dosovitskiy, Brox and Riedmiller 2014, arXiv:1412.6806",
            measures="The gradient of the score at each pixel when every ReLU lets only positive "
            "gradients back: a sharp drawing of the patterns that excite the network.",
            cannot="It can hardly tell classes apart and changes little when later layers are randomised "
            "(Adebayo et al. 2018, arXiv:1810.03292), so it is no proof of why the network decided.",
            signed=True,
            positive="pixels that would excite the network more if brighter",
            negative="pixels that would if darker",
            passes=lambda options, shape: 2,
        ),
        Method(
            name="grad_cam",
            title="Grad-CAM",
            paper="Selvaraju et al. 2017, doi:10.1109/ICCV.2017.74, arXiv:1610.02391",
            measures="Which regions speak for the class: the maps of one layer, weighted by their mean "
            "gradient, added up, cut at zero and stretched smoothly over the picture.",
            cannot="It cannot show fine detail, because the layer's maps are coarse, nor evidence against "
            "the class: a blank map means that this layer holds none for it.",
            signed=False,
            positive="regions that speak for the class",
            negative=None,
            passes=lambda options, shape: 2,
            options=(Option("layer", "Layer", None, "Whose maps are weighted; by default the last convolution."),),
        ),
        Method(
            name="occlusion",
            title="Occlusion",
            paper="Zeiler and Fergus 2014, doi:10.1007/978-3-319-10590-1_53, arXiv:1311.2901",
            measures="How far the score of the class falls when a square of the picture is covered with "
            "the data set's mean colour (zero after normalising), averaged over the squares that cover "
            "each pixel.",
            cannot="It cannot see evidence much smaller than the square or spread far beyond it, and a "
            "picture with a hole is unlike those the network has learned from.",
            signed=True,
            positive="covering these lowers the score, so they speak for the class",
            negative="covering these raises it, so they speak against",
            passes=_occlusion_passes,
            options=(
                Option("window", "Square", 4, "Width of the covering square in pixels.", 1, 64),
                Option("stride", "Stride", 2, "How far the square moves each time, in pixels.", 1, 64),
            ),
        ),
    )
}
