"""Do the methods point at the object? A league table over test images whose objects are known."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core.explain.attribution import attribute
from core.explain.compatibility import incompatibility
from core.explain.methods.registry import METHODS
from core.explain.metrics.pointing_game import score_methods
from core.explain.metrics.verdicts import pointing_game_verdict
from core.figures.pointing_game import BASELINES, MEASURES, pointing_chart, pointing_rows
from core.formatting import duration
from core.inference.network import Network
from core.progress import Progress
from pages.sections.explain.trust_request import head, say
from pages.shared.display.vega_charts import chart
from pages.shared.explanation.controls import chosen_methods, method_options
from pages.shared.network import current_network
from pages.shared.shell import session
from pages.shared.shell.background_jobs import background, lane_of
from pages.shared.shell.controls import ask_one
from pages.shared.shell.layout import escape_markdown, show_errors

if TYPE_CHECKING:
    from core.data.datasets import Dataset
    from core.explain.metrics.pointing_game import PointingGame, Rate

COUNTS = {"50": "50", "100": "100", "200": "200", "500": "500"}
ABOUT = (
    "The pictures of this data set were drawn, so it is known which pixels belong to the object. **Pointing game:** "
    "how often the map's largest value lies on it. **Share on the object:** how much of the map's positive values do. "
    "For both, **higher is better**; the lines are 95% intervals. A map can be right and still point beside the "
    "object, where the network looks at something else: then the network is to blame, not the method."
)
PAPER = "Zhang et al. 2018, “Top-down Neural Attention by Excitation Backprop”, doi:10.1007/s11263-017-1059-x"


@st.fragment
def league_panel(network: Network) -> None:
    """Offer the league of the chosen methods where the objects of the test images are known."""
    if network.why_no_images:
        return
    with show_errors():
        data = network.dataset()
        if data.test.masks is None:
            return
        with st.container(border=True, key="trust_league"):
            head("League table: do the maps lie on the object?", ABOUT, PAPER, "league")
            st.caption(
                "The objects of this data set are known. Over many test images: how often do the maps of the methods "
                "chosen under Settings point at them, and what would a map score that knows nothing?"
            )
            count = int(ask_one("Test images", COUNTS, "trust_league_count"))
            names, left_out = _fitting(network)
            if left_out:
                st.caption(f"Left out: {'; '.join(left_out)}")
            game = _league(network, data, names, count) if names else None
            if game is not None:
                _show(game)


def _fitting(network: Network) -> tuple[tuple[str, ...], list[str]]:
    """Return the chosen methods that can explain the network, and why the others cannot."""
    model = network.model
    reasons = {
        name: incompatibility(model, name, METHODS[name].resolve(method_options(name))) for name in chosen_methods()
    }
    fit = tuple(name for name, reason in reasons.items() if not reason)
    return fit, [f"{METHODS[name].title} ({escape_markdown(reason)})" for name, reason in reasons.items() if reason]


def _league(network: Network, data: "Dataset", names: tuple[str, ...], count: int) -> "PointingGame | None":
    """Return the standings, or draw how far they are, or the button that starts them, and return None."""
    options: Mapping[str, dict[str, Any]] = {name: method_options(name) for name in names}
    others = network.background
    explains = {name: partial(attribute, method=name, background=others, **options[name]) for name in names}
    shape = data.input_shape
    passes = count * sum(METHODS[name].passes(METHODS[name].resolve(options[name]), shape) for name in names)
    seconds = max(1.0, passes * current_network.pass_seconds(network))
    key = ("league", *network.cache_key, count, *((name, *sorted(options[name].items())) for name in names))
    return background(
        key,
        partial(_work, network.model, data, count, explains),
        words=f"{len(names)} methods explain {count} test images",
        place="trust_league",
        ask=f"Compute the league of {len(names)} methods, about {duration(seconds)}",
        lane=lane_of(seconds),
    )


def _work(model: Any, data: "Dataset", count: int, explains: Any, progress: Progress) -> "PointingGame":
    test = data.test
    assert test.masks is not None
    images = data.normalize(test.images[:count])
    return score_methods(model, images, test.masks[:count], test.labels[:count], explains, progress=progress)


def _show(game: "PointingGame") -> None:
    titles = {name: method.title for name, method in METHODS.items()}
    with st.grid(2, min_column_width=320):
        for measure, words in MEASURES.items():
            rows = pointing_rows(game, measure, titles)
            chart(
                pointing_chart(measure, len(rows), theme=session.theme()),
                rows,
                key=f"trust_league_{measure}",
                alt=f"{words}, for each method, with 95% intervals",
            )
    everyone = (*game.standings, game.random, game.centre)
    names = titles | BASELINES
    st.dataframe(
        pd.DataFrame(
            {
                "Map": [names[each.method] for each in everyone],
                "Pointing game": [_rate(each.hits) for each in everyone],
                "Share on the object": [_rate(each.inside) for each in everyone],
                "Blank maps": [each.blank for each in everyone],
            }
        ),
        hide_index=True,
        alt="League table of the methods",
    )
    st.caption(
        f"The first {game.random.images} test images, each explained for its true class. Higher is better. An object "
        f"covers {game.covered:.0%} of its picture on average, which is what a random map hits; in brackets, 95% "
        "intervals (Wilson's for the pointing game, bootstrap for the share)."
    )
    say(pointing_game_verdict(game))


def _rate(rate: "Rate | None") -> str:
    return "–" if rate is None else f"{rate.value:.0%} ({rate.low:.0%} to {rate.high:.0%})"
