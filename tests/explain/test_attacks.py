"""Attacks agree with Captum and with the formula by hand, stay inside their ball, and change no network."""

from collections.abc import Callable

import captum.robust
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core.errors import ExplainError
from core.explain.attacks import LENGTHS, STRENGTHS, Attack, attack, growing_attacks, random_changes, whole_levels

pytestmark = pytest.mark.filterwarnings("ignore:Input Tensor 0 did not")
MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.3)


def network(seed: int = 3, classes: int = 5) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.5),
            nn.Flatten(),
            nn.Linear(96, classes),
        )


def picture(seed: int = 1, low: int = 0, high: int = 256) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(low, high, (3, 8, 8), generator=draw).to(torch.uint8)


def normalized(unit: Tensor) -> Tensor:
    mean, std = (torch.tensor(each)[:, None, None] for each in (MEAN, STD))
    return (unit - mean) / std


def loss_of(net: nn.Module, pixels: Tensor, label: int) -> float:
    with torch.no_grad():
        return float(F.cross_entropy(net.eval()(normalized(pixels[None] / 255)), torch.tensor([label])))


def slope(net: nn.Module, pixels: Tensor, label: int) -> Tensor:
    unit = (pixels[None] / 255).requires_grad_()
    loss = F.cross_entropy(net.eval()(normalized(unit)), torch.tensor([label]))
    return torch.autograd.grad(loss, unit)[0][0]


@pytest.mark.parametrize("towards", [None, 2])
def test_fgsm_is_a_step_along_the_sign_of_the_gradient(towards: int | None) -> None:
    net, pixels = network(), picture(low=20, high=230)
    found = attack(net, pixels, MEAN, STD, Attack("fgsm", 7, towards=towards))
    answer = int(net.eval()(normalized(pixels[None] / 255)).argmax())
    step = slope(net, pixels, answer if towards is None else towards).sign() * (1 if towards is None else -1)
    expected = (pixels.to(torch.int16) + 7 * step.to(torch.int16)).clamp(0, 255)
    assert torch.equal(found.pixels.to(torch.int16), expected)
    assert torch.equal(found.change, 7 * step.to(torch.int16))
    assert int(found.before.argmax()) == answer


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_agrees_with_captum_called_directly(method: str, norm: str) -> None:
    if method == "fgsm" and norm == "l2":
        norm = "linf"
    net, pixels, strength = network(), picture(), 9 if norm == "linf" else 120
    found = attack(net, pixels, MEAN, STD, Attack(method, strength, norm, steps=6, towards=1))  # type: ignore[arg-type]
    unit, loss = pixels[None] / 255, nn.CrossEntropyLoss(reduction="none")

    def forward(images: Tensor) -> Tensor:
        return net.eval()(normalized(images))  # type: ignore[no-any-return]

    if method == "fgsm":
        direct = captum.robust.FGSM(forward, loss, 0.0, 1.0).perturb(
            unit, strength / 255, torch.tensor([1]), targeted=True
        )
    else:
        step = 2.5 * strength / 255 / 6 / (unit.numel() ** 0.5 if norm == "l2" else 1)
        name = {"linf": "Linf", "l2": "L2"}[norm]
        direct = captum.robust.PGD(forward, loss, 0.0, 1.0).perturb(
            unit, strength / 255, step, 6, torch.tensor([1]), targeted=True, norm=name
        )
    away = (direct[0] * 255 - found.pixels).abs()
    assert away.max() < (0.5001 if norm == "linf" else 1.0)  # whole levels


@pytest.mark.parametrize("strength", [1, 2, 5, 30, 255])
@pytest.mark.parametrize("how", [Attack("fgsm"), Attack("pgd"), Attack("pgd", steps=3, towards=1)])
def test_stays_in_the_ball_and_in_range(how: Attack, strength: int) -> None:
    for seed in range(3):
        pixels = picture(seed)
        chosen = Attack(how.method, strength, steps=how.steps, towards=how.towards)
        found = attack(network(seed + 6), pixels, MEAN, STD, chosen)
        assert found.pixels.dtype == torch.uint8
        assert found.pixels.shape == pixels.shape
        assert 0 < int(found.change.abs().max()) <= strength


@pytest.mark.parametrize("strength", [3, 10, 40])
def test_rounding_keeps_as_much_of_a_change_as_the_ball_allows(strength: int) -> None:
    draw = torch.Generator().manual_seed(strength)
    change = torch.randn(500, generator=draw)
    change *= strength / change.norm()
    found = whole_levels(change, strength, "l2")
    assert torch.equal(found, found.round())
    assert float(found.norm()) <= strength
    assert bool((found * change >= 0).all())
    nearest = change.round()
    brought_back = (nearest - found).abs()
    assert brought_back.max() <= 1
    longer = found.norm() ** 2 + 2 * found[brought_back > 0].abs() + 1  # with any one of them where it was
    assert bool((longer > strength**2).any()) or torch.equal(nearest, found)
    assert whole_levels(torch.tensor([2.6, -2.6, 0.4, 3.0004]), 3, "linf").tolist() == [3, -3, 0, 3]


@pytest.mark.parametrize("strength", [8, 30, 75, 200, 900])
def test_the_length_of_a_change_is_kept_after_rounding(strength: int) -> None:
    for seed in range(4):
        found = attack(network(seed), picture(seed), MEAN, STD, Attack("pgd", strength, "l2"))
        length = float((found.change.double() ** 2).sum() ** 0.5)
        assert length <= strength
        assert length > 0.8 * strength


def test_what_is_predicted_is_the_rounded_picture() -> None:
    net, pixels = network(), picture()
    found = attack(net, pixels, MEAN, STD, Attack("pgd", 12))
    with torch.no_grad():
        for probabilities, image in ((found.before, pixels), (found.after, found.pixels)):
            assert torch.allclose(probabilities, net.eval()(normalized(image[None] / 255))[0].softmax(0), atol=1e-6)


def test_several_steps_raise_the_loss_at_least_as_far_as_one() -> None:
    higher = 0
    for seed in range(6):
        net, pixels = network(seed, classes=4), picture(seed)
        one, many = (attack(net, pixels, MEAN, STD, Attack(method, 6)) for method in ("fgsm", "pgd"))
        answer = int(one.before.argmax())
        losses = [loss_of(net, each.pixels, answer) for each in (one, many)]
        assert losses[0] > loss_of(net, pixels, answer)
        assert losses[1] >= losses[0] - 1e-3
        higher += losses[1] > losses[0] + 1e-3
    assert higher > 0
    single = Attack("pgd", 6, steps=1)
    assert torch.equal(attack(net, pixels, MEAN, STD, single).pixels, one.pixels)


def test_an_attack_towards_a_class_makes_it_likelier() -> None:
    net, pixels = network(), picture()
    least = int(attack(net, pixels, MEAN, STD, Attack()).before.argmin())
    found = attack(net, pixels, MEAN, STD, Attack("pgd", 200, towards=least))
    assert found.after[least] > found.before[least]
    assert found.successful
    assert int(found.after.argmax()) == least


def test_near_certainty_still_leaves_a_direction() -> None:
    net, pixels = network(), picture()
    net[-1].weight.data.mul_(300)  # type: ignore[operator, union-attr]
    answer = int(net.eval()(normalized(pixels[None] / 255)).argmax())
    assert slope(net, pixels, answer).abs().max() < 1e-6  # Captum would leave every pixel alone
    found = attack(net, pixels, MEAN, STD, Attack("fgsm", 40))
    assert int((found.change != 0).sum()) > 150


def test_the_smallest_strength_that_turns_the_answer() -> None:
    net, pixels, told = network(), picture(), []
    for how, strengths in (
        (Attack("fgsm"), STRENGTHS),
        (Attack("pgd"), STRENGTHS),
        (Attack("pgd", norm="l2"), LENGTHS),
    ):
        told.clear()
        tried = list(growing_attacks(net, pixels, MEAN, STD, how, strengths, progress=lambda *at: told.append(at)))
        assert [each.attack.strength for each in tried] == list(strengths[: len(tried)])
        assert [each.successful for each in tried] == [False] * (len(tried) - 1) + [True]
        for each in (tried[0], tried[-1]):
            assert torch.equal(attack(net, pixels, MEAN, STD, each.attack).pixels, each.pixels)
        assert told == sorted(told)
        assert {total for _, total in told} == {len(strengths) * (how.steps if how.method == "pgd" else 1)}


def test_where_no_strength_of_the_list_is_enough_all_were_tried() -> None:
    net, pixels = network(), picture()
    net[-1].bias.data[3] = 1000.0  # type: ignore[operator, union-attr]
    tried = list(growing_attacks(net, pixels, MEAN, STD, Attack(), (1, 2, 4)))
    assert [each.attack.strength for each in tried] == [1, 2, 4]
    assert not tried[-1].successful


def test_random_changes_are_as_large_and_know_nothing() -> None:
    found = attack(network(), picture(low=40, high=200), MEAN, STD, Attack("pgd", 20))
    made = random_changes(found, 5)
    assert made.shape == (5, 3, 8, 8)
    sizes = found.change.abs().flatten().sort().values
    for each in made:
        moved = each.to(torch.int16) - found.original.to(torch.int16)
        assert torch.equal(moved.abs().flatten().sort().values, sizes)
    assert torch.equal(made, random_changes(found, 5))
    assert not torch.equal(made[0], made[1])


def stopping(at: int) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        if done >= at:
            raise KeyboardInterrupt

    return tell


@pytest.mark.parametrize("end", ["success", "failure", "cancel"])
@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_leaves_the_network_as_found(method: str, end: str) -> None:
    net, pixels = network(), picture()
    net.train()
    net[0].eval()
    net[0].weight.requires_grad_(False)  # type: ignore[operator, union-attr]
    modes = [module.training for module in net.modules()]
    state = {name: value.clone() for name, value in net.state_dict().items()}
    random, kept = torch.get_rng_state(), pixels.clone()
    how = Attack(method, 8, towards=9 if end == "failure" else None)  # type: ignore[arg-type]
    if end == "failure":
        with pytest.raises(ExplainError, match="no class 9"):
            attack(net, pixels, MEAN, STD, how)
    elif end == "cancel":
        with pytest.raises(KeyboardInterrupt):
            attack(net, pixels, MEAN, STD, how, progress=stopping(0))
    else:
        first, again = (attack(net, pixels, MEAN, STD, how) for _ in range(2))
        assert torch.equal(first.pixels, again.pixels)
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(state[name], value) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert [parameter.requires_grad for parameter in net.parameters()] == [False, True, True, True]
    assert not any(module._forward_hooks or module._backward_hooks for module in net.modules())
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(pixels, kept)


def test_what_cannot_be_done_gets_a_sentence() -> None:
    net, pixels = network(), picture()
    answer = int(attack(net, pixels, MEAN, STD, Attack()).before.argmax())
    for how, words in (
        ({"method": "square"}, "no attack 'square'"),
        ({"norm": "l2"}, "cannot be measured by 'l2'"),
        ({"strength": 0}, "from 1 to 255, not 0"),
        ({"strength": 2.5}, "not 2.5"),
        ({"strength": 256}, "from 1 to 255"),
        ({"method": "pgd", "steps": 0}, "1 to 200 steps"),
        ({"towards": 5}, "choose a whole number from 0 to 4"),
        ({"towards": answer}, "says so already"),
    ):
        with pytest.raises(ExplainError, match=words):
            attack(net, pixels, MEAN, STD, Attack(**how))
    with pytest.raises(ExplainError, match="whole levels"):
        attack(net, pixels / 255, MEAN, STD, Attack())
    with pytest.raises(ExplainError, match="3 channels needs as many"):
        attack(net, pixels, (0.5,), (0.5,), Attack())
    with pytest.raises(ExplainError, match="single class"):
        attack(network(classes=1), pixels, MEAN, STD, Attack())
    deaf = network()
    deaf[0].weight.data.zero_()  # type: ignore[operator, union-attr]
    with pytest.raises(ExplainError, match="does not react"):
        attack(deaf, pixels, MEAN, STD, Attack())
    broken = network()
    broken[-1].weight.data[0, 0] = torch.nan  # type: ignore[index, union-attr]
    with pytest.raises(ExplainError, match="not finite"):
        attack(broken, pixels, MEAN, STD, Attack())
