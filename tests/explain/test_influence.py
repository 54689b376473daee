"""The influence of training images agrees with gradients by hand and with Captum, over a training's checkpoints."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial

import pytest
import torch
from captum.influence import TracInCPFast
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from core.errors import ExplainError
from core.explain.influence import LabeledImages, Snapshot, last_layer, similarity, tracin
from core.train.config import TrainConfig
from core.train.losses import make_loss

PIXELS = torch.randint(0, 256, (90, 1, 6, 6), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
LABELS = (PIXELS.float().mean(dim=(1, 2, 3)) * 0.4).long() % 3
IMAGES = LabeledImages(PIXELS, LABELS, lambda pixels: (pixels / 255 - 0.5) / 0.25)
IMAGE = torch.randn(1, 6, 6, generator=torch.Generator().manual_seed(5))
LOSSES = {
    "cross_entropy": TrainConfig(),
    "smoothed": TrainConfig(label_smoothing=0.2),
    "mse": TrainConfig(loss="mse"),
}


def network(bias: bool = True, *tail: nn.Module) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(64, 3, bias=bias), *tail
        )


def trained(net: nn.Sequential, lrs: Sequence[float] = (0.1, 0.05, 0.02)) -> list[Snapshot]:
    """Train by plain gradient descent and keep the network after each epoch."""
    snapshots = []
    net.eval()  # dropout would draw from the global random state
    for lr in lrs:
        for images, labels in IMAGES.batches():
            net.zero_grad()
            F.cross_entropy(net(images), labels).backward()
            with torch.no_grad():
                for weight in net.parameters():
                    weight -= lr * weight.grad  # type: ignore[operator]
        snapshots.append(Snapshot(partial(deepcopy, deepcopy(net)), lr))
    net.zero_grad()
    net.train()
    return snapshots


def by_hand(
    snapshots: Sequence[Snapshot], loss: Callable[[Tensor, Tensor], Tensor], target: int, layer: str = "4"
) -> list[float]:
    """Return Σ lr · ∇loss(training image) · ∇loss(image) over a layer's weights, by one backward pass for each."""

    def gradient(net: nn.Module, image: Tensor, label: int) -> Tensor:
        weights = list(net.get_submodule(layer).parameters())
        slopes = torch.autograd.grad(loss(net.eval()(image[None]), torch.tensor([label])), weights)
        return torch.cat([slope.flatten() for slope in slopes]).double()

    found = torch.zeros(len(IMAGES), dtype=torch.float64)
    for snapshot in snapshots:
        net = snapshot.load()
        own = gradient(net, IMAGE, target)
        for index, image in enumerate(IMAGES.normalize(PIXELS)):
            found[index] += snapshot.weight * (gradient(net, image, int(LABELS[index])) @ own)
    return found.tolist()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("bias", [True, False])
def test_tracin_is_the_sum_of_products_of_gradients(name: str, bias: bool) -> None:
    snapshots, loss = trained(network(bias)), make_loss(LOSSES[name])
    found = tracin(snapshots, IMAGES, IMAGE, 2, loss)
    assert found.tolist() == pytest.approx(by_hand(snapshots, loss, 2), rel=1e-4, abs=1e-8)
    assert found.min() < 0 < found.max()


def test_what_follows_the_last_layer_belongs_to_its_gradient() -> None:
    snapshots = trained(network(True, nn.LeakyReLU(inplace=True), nn.Softplus()))
    loss = make_loss(TrainConfig())
    assert tracin(snapshots, IMAGES, IMAGE, 0, loss).tolist() == pytest.approx(
        by_hand(snapshots, loss, 0), rel=1e-4, abs=1e-8
    )


def test_agrees_with_captum() -> None:
    snapshots = trained(network(bias=False))  # Captum leaves the bias out

    def load(model: nn.Module, snapshot: Snapshot) -> float:
        model.load_state_dict(snapshot.load().state_dict())
        model.eval()
        return snapshot.weight

    captums = TracInCPFast(
        network(bias=False),
        "4",
        TensorDataset(IMAGES.normalize(PIXELS), LABELS),
        snapshots,  # type: ignore[arg-type]
        load,
        nn.CrossEntropyLoss(reduction="sum"),
        batch_size=32,
    )
    expected = captums.influence((IMAGE[None], torch.tensor([1])))[0]
    found = tracin(snapshots, IMAGES, IMAGE, 1, F.cross_entropy)
    assert torch.allclose(found.float(), expected, rtol=1e-4, atol=1e-6)  # type: ignore[arg-type]
    best = captums.influence((IMAGE[None], torch.tensor([1])), k=4, proponents=True)
    assert found.argsort(descending=True)[:4].tolist() == best.indices[0].tolist()  # type: ignore[union-attr]


def test_a_gradient_step_on_a_proponent_lowers_the_loss_and_on_an_opponent_raises_it() -> None:
    net = network()
    snapshots = trained(net)[-1:]
    net.eval()
    found = tracin(snapshots, IMAGES, IMAGE, 1, F.cross_entropy)
    with torch.no_grad():
        before = float(F.cross_entropy(net(IMAGE[None]), torch.tensor([1])))
    for index, sign in ((int(found.argmax()), -1), (int(found.argmin()), 1)):
        changed = deepcopy(net)
        image = IMAGES.normalize(PIXELS[index : index + 1])
        F.cross_entropy(changed(image), LABELS[index : index + 1]).backward()
        with torch.no_grad():
            for weight in changed[4].parameters():
                weight -= 1e-3 * weight.grad  # type: ignore[operator]
            after = float(F.cross_entropy(changed(IMAGE[None]), torch.tensor([1])))
        assert (after - before) * sign > 0


def test_each_moment_counts_by_its_weight() -> None:
    snapshots = trained(network())
    parts = sum(tracin([snapshot], IMAGES, IMAGE, 0, F.cross_entropy) for snapshot in snapshots)
    assert torch.allclose(tracin(snapshots, IMAGES, IMAGE, 0, F.cross_entropy), parts)  # type: ignore[arg-type]
    twice = [Snapshot(snapshot.load, 2 * snapshot.weight) for snapshot in snapshots]
    assert torch.allclose(tracin(twice, IMAGES, IMAGE, 0, F.cross_entropy), 2 * parts)  # type: ignore[arg-type]


def test_an_image_of_the_training_set_is_most_similar_to_itself() -> None:
    net = network()
    trained(net)
    for index in (0, 41, 89):
        found = similarity(net, IMAGES, IMAGES.normalize(PIXELS[index]))
        assert int(found.argmax()) == index
        assert float(found[index]) == pytest.approx(1)


def test_similarity_is_the_cosine_of_what_the_last_layer_receives() -> None:
    net = network().eval()
    with torch.no_grad():
        theirs, own = net[:4](IMAGES.normalize(PIXELS)), net[:4](IMAGE[None])
    assert torch.allclose(similarity(net, IMAGES, IMAGE).float(), F.cosine_similarity(theirs, own), atol=1e-6)


class Stop(Exception):
    pass


@pytest.mark.parametrize("cancel", [False, True])
def test_tells_its_progress_and_leaves_the_network_as_found(cancel: bool) -> None:
    net = network()
    net[1].eval()
    state = {name: value.clone() for name, value in net.state_dict().items()}
    told: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> None:
        told.append((done, total))
        if cancel and done:
            raise Stop

    random = torch.get_rng_state()
    for work in (
        lambda: tracin([Snapshot(lambda: net, 0.1)] * 2, IMAGES, IMAGE, 0, F.cross_entropy, progress=tell),
        lambda: similarity(net, IMAGES, IMAGE, progress=tell),
    ):
        told.clear()
        if cancel:
            with pytest.raises(Stop):
                work()
        else:
            assert torch.equal(work(), work())
            assert told[-1][0] == told[-1][1]
        assert told[0][0] == 0
        assert torch.is_grad_enabled()
        assert not any(module._forward_hooks for module in net.modules())
        assert [module.training for module in net] == [True, False, True, True, True]
        assert all(torch.equal(state[name], value) for name, value in net.state_dict().items())
        assert all(weight.grad is None and weight.requires_grad for weight in net.parameters())
        assert torch.equal(torch.get_rng_state(), random)


def test_the_last_layer_is_the_last_with_weights() -> None:
    assert last_layer(network(True, nn.Tanh(), nn.BatchNorm1d(3))) == "4"
    convolution = nn.Sequential(nn.Conv2d(1, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ExplainError, match="does not end in a dense layer"):
        tracin([Snapshot(lambda: convolution, 1.0)], IMAGES, IMAGE, 0, F.cross_entropy)
    with pytest.raises(ExplainError, match="does not end in a dense layer"):
        similarity(nn.Sequential(nn.Flatten()), IMAGES, IMAGE)
    with pytest.raises(ExplainError, match="No checkpoint"):
        tracin([], IMAGES, IMAGE, 0, F.cross_entropy)


def test_gradients_that_are_not_numbers_get_a_sentence() -> None:
    net = network()
    net[4].weight.data[0, 0] = torch.nan  # type: ignore[index, union-attr]
    with pytest.raises(ExplainError, match="not finite"):
        tracin([Snapshot(lambda: net, 1.0)], IMAGES, IMAGE, 0, F.cross_entropy)
