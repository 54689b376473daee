"""Infidelity and maximum sensitivity are Captum's own numbers; completeness is an axiom that linear networks keep."""

from dataclasses import replace
from functools import partial
from typing import Any

import captum.metrics
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.errors import ExplainError
from core.explain.attribution import Attribution, attribute, heatmap
from core.explain.methods.registry import METHODS
from core.explain.metrics.completeness import CompletenessGap
from core.explain.metrics.infidelity import _masks, infidelity
from core.explain.metrics.sensitivity import sensitivity


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 5)
        )


def linear(channels: int = 3, side: int = 8) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return nn.Sequential(nn.Flatten(), nn.Linear(channels * side * side, 4))


def picture(side: int = 8, channels: int = 3) -> Tensor:
    return torch.randn(channels, side, side, generator=torch.Generator().manual_seed(1))


def adds(net: nn.Sequential, image: Tensor, target: int) -> Tensor:
    """What each pixel adds to a score of a linear network, (H, W)."""
    return (net[1].weight[target].detach().reshape(image.shape) * image).sum(dim=0)


@pytest.mark.parametrize("versus", [None, 2])
def test_infidelity_is_what_captum_says(versus: int | None) -> None:
    net, image = network().eval(), picture()
    values = heatmap(attribute(net, image, 1, "saliency"))
    found = infidelity(net, image, values, 1, versus=versus, squares=40, seed=5)
    masks = _masks((8, 8), found.side, 40, 5)

    def score(images: Tensor) -> Tensor:
        logits = net(images)
        return logits[:, 1] if versus is None else logits[:, 1] - logits[:, versus]

    def cover(images: Tensor) -> tuple[Tensor, Tensor]:
        mask = masks[:, None].float().expand_as(images)
        return mask, images * (1 - mask)

    whole, spread = image[None], (values / 3).expand(1, 3, 8, 8)
    with torch.no_grad():
        captums = captum.metrics.infidelity(score, cover, whole, spread, n_perturb_samples=40, normalize=True)
        changes = score(whole) - score(cover(whole.expand(40, -1, -1, -1))[1])
    assert found.value == pytest.approx(float(captums), rel=1e-4)
    assert found.share == pytest.approx(float(captums / (changes**2).mean()), rel=1e-4)
    assert (found.squares, found.side, len(found.random)) == (40, 2, 4)


def test_a_linear_network_is_foreseen_wholly_in_any_unit_and_noise_foresees_little() -> None:
    net, image = linear(), picture()
    for factor in (1, 1000):
        found = infidelity(net, image, factor * adds(net, image, 2), 2)
        assert found.share < 1e-4
        assert found.factor == pytest.approx(1 / factor, rel=1e-3)
        assert min(found.random) > 0.5
    assert infidelity(net, image, -adds(net, image, 2), 2).share == 1  # foresees the opposite


def test_infidelity_asks_each_picture_once_and_tells_how_far_it_is() -> None:
    net, image, asked, told = linear(), picture(), list[int](), list[tuple[int, int]]()
    net[0].register_forward_hook(lambda module, inputs, output: asked.append(len(output)))
    masks = {mask.numpy().tobytes() for mask in _masks((8, 8), 2, 128, 0)}
    infidelity(net, image, adds(net, image, 0), 0, progress=lambda *now: told.append(now))
    assert sum(asked) <= 128 + 1 and sum(asked) >= len(masks)
    assert told[0] == (1, 129) and told == sorted(told)


def test_the_same_seed_gives_the_same_numbers_and_leaves_the_global_ones_alone() -> None:
    net, image = network().train(), picture()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    explain = partial(attribute, method="saliency")
    values = heatmap(explain(net, image, 0))
    assert infidelity(net, image, values, 0) == infidelity(net, image, values, 0)
    assert infidelity(net, image, values, 0) != infidelity(net, image, values, 0, seed=1)
    assert sensitivity(net, image, 0, explain) == sensitivity(net, image, 0, explain)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert all(module.training for module in net.modules())


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients"])
def test_sensitivity_is_what_captum_says(method: str) -> None:
    net, image = network().eval(), picture()
    explain = partial(attribute, method=method)
    told = list[tuple[int, int]]()
    found = sensitivity(net, image, 1, explain, samples=6, seed=2, progress=lambda *now: told.append(now))
    generator = torch.Generator().manual_seed(2)
    nearby = list[Tensor]()

    def perturb(images: Tensor) -> Tensor:
        nearby.append(images + 0.02 * (2 * torch.rand(images.shape, generator=generator) - 1))
        return nearby[-1]

    expected = captum.metrics.sensitivity_max(
        lambda images: (
            torch.stack(
                [heatmap(explain(net, each, 1)) for each in (images[0] if isinstance(images, tuple) else images)]
            ),
        ),
        image[None],
        perturb_func=perturb,
        n_perturb_samples=6,
        max_examples_per_batch=1,
    )
    assert found.value == pytest.approx(float(expected), rel=1e-5)
    own, others = heatmap(explain(net, image, 1)), [heatmap(explain(net, each[0], 1)) for each in nearby]
    by_hand = max(float((own - other).norm() / own.norm()) for other in others)
    assert found.value == pytest.approx(by_hand, rel=1e-5)
    assert found.value > 0
    assert (found.samples, found.radius) == (6, 0.02)
    assert told == sorted(told) and {(100 * count, 700) for count in range(1, 8)} <= set(told)
    assert len(told) > 7  # also within an explanation


def test_a_map_that_ignores_the_picture_has_no_sensitivity_and_noise_has_much() -> None:
    net, image = linear(), picture()
    found = sensitivity(net, image, 0, partial(attribute, method="saliency"))  # the gradient of a line is the same
    assert found.value == pytest.approx(0, abs=1e-6)
    assert 0.3 < found.random < 2


def test_a_cancelled_or_failed_check_leaves_nothing_behind() -> None:
    net, image = network().train(), picture()
    hooks = [len(module._forward_hooks) for module in net.modules()]

    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    def fail(model: nn.Module, image: Tensor, target: int, **_: Any) -> Attribution:
        raise ExplainError("no")

    with pytest.raises(KeyboardInterrupt):
        sensitivity(net, image, 0, partial(attribute, method="saliency"), progress=cancel)
    with pytest.raises(ExplainError, match="no"):
        sensitivity(net, image, 0, fail)
    with pytest.raises(KeyboardInterrupt):
        infidelity(net, image, picture()[0], 0, progress=cancel)
    assert all(module.training for module in net.modules())
    assert [len(module._forward_hooks) for module in net.modules()] == hooks
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("values", "target", "sentence"),
    [
        (torch.zeros(8, 8), 0, "blank"),
        (torch.full((8, 8), torch.nan), 0, "not finite"),
        (torch.rand(8, 8), 5, "no class 5"),
        (torch.rand(4, 4), 0, "does not fit"),
    ],
)
def test_what_cannot_be_used_gets_a_sentence(values: Tensor, target: int, sentence: str) -> None:
    with pytest.raises(ExplainError, match=sentence):
        infidelity(network(), picture(), values, target)


def test_a_constant_picture_gets_a_sentence() -> None:
    with pytest.raises(ExplainError, match="does not change the score"):
        infidelity(network(), torch.zeros(3, 8, 8), torch.rand(8, 8), 0)
    with pytest.raises(ExplainError, match="blank"):
        sensitivity(linear(), torch.zeros(3, 8, 8), 0, _blank)


def _blank(model: nn.Module, image: Tensor, target: int, **_: Any) -> Attribution:
    return _made(torch.zeros(8, 8), "saliency")


def _made(values: Tensor, method: str, **more: Any) -> Attribution:
    return Attribution(values=values, method=method, target=0, signed=True, score=0.0, options={}, **more)


def test_integrated_gradients_complete_the_change_of_score_the_closer_the_more_steps() -> None:
    net, image = network().eval(), picture()
    gaps = [abs(attribute(net, image, 1, "integrated_gradients", steps=steps).gap.gap) for steps in (8, 64, 256)]
    assert gaps[2] < gaps[0] and gaps[2] < 2e-3


def test_on_a_line_the_sum_is_exact_and_a_part_of_it_is_missing_by_that_part() -> None:
    net, image = linear(), picture()
    whole = attribute(net, image, 0, "integrated_gradients")
    found = whole.gap
    with torch.no_grad():
        change = float((net(image[None]) - net(torch.zeros_like(image)[None]))[0, 0])
    assert found.promised == pytest.approx(change, abs=1e-5)
    assert found.gap == pytest.approx(0, abs=1e-5) and found.shortfall is None
    halved = replace(found, total=found.total / 2)
    assert halved.gap == pytest.approx(-change / 2, abs=1e-5) and halved.share == pytest.approx(0.5, abs=1e-4)
    said = f"The values sum to {change / 2:.3g}, the score changed by {change:.3g} (50% off): more steps sum up"
    assert halved.shortfall == f"{said} more exactly.".replace("-", "−")
    against = attribute(net, image, 0, "integrated_gradients", versus=2)
    assert against.gap.gap == pytest.approx(0, abs=1e-5)
    start = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        above = float(net(image[None])[0, 0] - net(start)[:, 0].mean())
    found = attribute(net, image, 0, "deep_lift_shap", background=start)
    assert found.gap.promised == pytest.approx(above, abs=1e-5)


def test_methods_that_promise_nothing_are_not_held_to_it() -> None:
    net, image = network(), picture()
    for name in ("saliency", "input_x_gradient"):
        assert attribute(net, image, 0, name).gap is None


def test_a_gap_of_nothing_promised_is_told_apart() -> None:
    assert CompletenessGap(0.0, 0.0, METHODS["lrp"].promise).share == 0
    assert CompletenessGap(1.0, 0.0, METHODS["lrp"].promise).share == float("inf")
