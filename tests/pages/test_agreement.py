"""Do the methods agree: what is shown is the agreement of the methods that were chosen, and what is missing is said."""

from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.explain.attribution import attribute, heatmap
from core.explain.methods.registry import METHODS
from core.explain.metrics.agreement import agreement_of
from core.model.build import build_model
from core.model.layers import Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.checkpoint import Checkpoint, save_checkpoint
from core.runs.store import RunStore
from core.train.config import TrainConfig
from pages.sections.explain import agreement
from pages.shared.network import inference

CHOSEN = ("saliency", "integrated_gradients", "grad_cam", "occlusion")
pytestmark = pytest.mark.filterwarnings("ignore:Setting")


def section() -> None:
    import streamlit as st

    from pages.sections.explain.agreement import SECTION
    from pages.shared.network import current_network
    from pages.shared.picture.picker import picture
    from pages.shared.shell import session

    both = [
        current_network.library().get(run, int(epoch) if epoch else None)
        for run, _, epoch in (part.partition("-") for part in st.query_params["runs"].split(","))
    ]
    SECTION.draw(both, picture(both[0], session.PictureSelection("test", both[0].dataset_name))[0], 3)


def opened(runs: str, methods: tuple[str, ...], **settings: Any) -> AppTest:
    app = AppTest.from_function(section, default_timeout=60)
    app.query_params["runs"] = runs
    for family in {method.family for method in METHODS.values()}:
        app.session_state[f"methods_{family}"] = [name for name in methods if METHODS[name].family == family]
    app.session_state["method_options"] = settings
    app.run()
    assert not app.exception
    return app


def expected(run_id: str, **options: Any) -> Any:
    """Return the agreement as it is computed without any page."""
    from pages.shared.shell import services

    run = services.store().get(run_id)
    model, data = RunStore().load_model(run_id), services.dataset(run.dataset)
    image = data.normalize(data.test.images[:1])[0]
    found = {name: attribute(model, image, 3, name, **options.get(name, {})) for name in CHOSEN}
    maps = {METHODS[name].title: heatmap(each).numpy() for name, each in found.items()}
    return agreement_of(maps, {METHODS[name].title for name in CHOSEN if METHODS[name].signed})


def alts(app: AppTest) -> list[str]:
    return [element.proto.alt for element in app.get("vega_lite_chart")]


def words(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption))


def said(found: Any, matrix: np.ndarray, chance: np.ndarray, first: int, second: int) -> str:
    value = f"{matrix[second, first]:.2f}".replace("-", "−")
    star = "*" * bool(matrix[second, first] <= chance[second, first])
    return f"{found.methods[second]} and {found.methods[first]} {value}{star}"


def test_both_matrices_hold_what_was_computed(trained_run: str) -> None:
    app, found = opened(trained_run, CHOSEN), expected(trained_run)
    ranks, tops = alts(app)
    for first in range(4):
        for second in range(first + 1, 4):
            assert said(found, found.correlation, found.correlation_chance, first, second) in ranks
            assert said(found, found.overlap, found.overlap_chance, first, second) in tops
    most = found.pairs()[0]
    assert f"**{found.methods[most[0]]}** and **{found.methods[most[1]]}** agree most" in words(app)
    assert len(app.get("image")) == 2


def test_settings_of_the_methods_reach_the_comparison(trained_run: str) -> None:
    options = {"occlusion": {"window": 5, "stride": 5}}
    app, found = opened(trained_run, CHOSEN, **options), expected(trained_run, **options)
    assert said(found, found.correlation, found.correlation_chance, 0, 3) in alts(app)[0]
    assert found.correlation[0, 3] != expected(trained_run).correlation[0, 3]


def test_signed_methods_can_be_compared_with_their_signs(trained_run: str) -> None:
    app, found = opened(trained_run, CHOSEN), expected(trained_run)
    app.segmented_control(key="agreement_by").set_value("sign").run()
    assert not app.exception
    (pair,) = np.argwhere(np.triu(np.isfinite(found.signed_correlation), 1)).tolist()
    assert said(found, found.signed_correlation, found.signed_chance, *pair) in alts(app)[0]
    assert "Saliency" not in alts(app)[0]


def test_without_two_signed_methods_there_is_no_sign_to_compare(trained_run: str) -> None:
    app = opened(trained_run, ("saliency", "grad_cam"))
    assert not app.segmented_control
    assert "whose sign is disputed" not in words(app)
    assert "agree most" not in words(app)
    assert "**Saliency** and **Grad-CAM**: rank correlation" in words(app)


@pytest.mark.parametrize("methods", [(), ("saliency",)])
def test_fewer_than_two_methods_say_what_to_do(trained_run: str, methods: tuple[str, ...]) -> None:
    app = opened(trained_run, methods)
    assert "Choose a second method under Settings" in words(app)
    assert not alts(app)


def test_a_method_that_cannot_answer_is_left_out_and_named(home: Any) -> None:
    store = RunStore()
    spec = ModelSpec("Dense", (1, 8, 8), 10, (Flatten(), Dense(10)))
    run_id = store.create(spec, TrainConfig(epochs=1), "digits", owner="tests")
    save_checkpoint(store.checkpoint(run_id), Checkpoint(dict(build_model(spec, seed=1).state_dict())))
    store.close()
    app = opened(run_id, CHOSEN)
    assert "Grad-CAM is left out: Grad-CAM needs a convolution" in words(app)
    assert "Grad-CAM" not in alts(app)[0]
    app = opened(run_id, ("saliency", "grad_cam"))
    (error,) = app.error
    assert "It takes two maps to compare" in error.value
    assert "needs a convolution" in error.value


def test_a_damaged_network_gets_one_sentence(damaged_run: str) -> None:
    (error,) = opened(damaged_run, CHOSEN).error
    assert "damaged" in error.value


def test_two_networks_stand_side_by_side(trained_run: str) -> None:
    app = opened(f"{trained_run},{trained_run}-0", CHOSEN)
    assert len(alts(app)) == 4
    assert alts(app)[0] != alts(app)[2]


def test_what_takes_long_waits_for_a_click_and_is_done_in_the_background(
    trained_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "SECONDS_WITHOUT_PRESS", 0.0)
    asked = []
    real = inference.attribution

    def spied(*args: Any, **more: Any) -> Any:
        asked.append(args[3])
        return real(*args, **more)

    monkeypatch.setattr(inference, "attribution", spied)
    app = opened(trained_run, CHOSEN)
    (button,) = app.button
    assert "Compute all 4" in button.label
    assert not asked
    button.click().run()
    assert asked == list(CHOSEN)
    assert len(alts(app)) == 2
