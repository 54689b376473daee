"""What is frozen in front of a network is computed once, and nothing else changes by that."""

from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch.nn import functional

from core.data.datasets import Dataset, load_dataset
from core.errors import ConfigError
from core.model.build import build_model
from core.model.layers import Backbone, Dense, Dropout, Flatten, GlobalAvgPool, Layer
from core.model.pretrained_backbone import frozen_names
from core.model.spec import ModelSpec
from core.train import feature_cache
from core.train.config import TrainConfig
from core.train.features import FrozenFeatures
from core.train.loop import Training

CONFIG = TrainConfig(epochs=2, batch_size=10, precision="fp32", device="cpu", seed=3, inputs="unit")
HEAD = ModelSpec("Head", (1, 8, 8), 10, (Backbone(up_to=3, size=64), GlobalAvgPool(), Dropout(0.2), Dense(10)))
TAIL = ModelSpec("Tail", (1, 8, 8), 10, (Backbone(up_to=3, train_from=3, size=64), Flatten(), Dense(10)))


@pytest.fixture
def dataset(home) -> Dataset:
    return load_dataset("digits", limit=23)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many images pass through frozen layers at a time, as it happens."""
    counts: list[int] = []
    of = FrozenFeatures.of

    def counted(self: FrozenFeatures, images: torch.Tensor) -> torch.Tensor:
        counts.append(len(images))
        return of(self, images)

    monkeypatch.setattr(FrozenFeatures, "of", counted)
    return counts


def trained(spec: ModelSpec, dataset: Dataset, config: TrainConfig = CONFIG) -> tuple[Training, list[float]]:
    training = Training(build_model(spec, seed=config.seed), dataset, config)
    return training, [step.train_loss for step in training]


@pytest.mark.parametrize("spec", [HEAD, TAIL], ids=lambda spec: spec.name)
def test_the_weights_are_those_of_a_training_that_asks_the_frozen_layers_in_every_step(
    spec: ModelSpec, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached, losses = trained(spec, dataset)
    assert set(cached._features) == {"train", "valid"}
    monkeypatch.setattr(FrozenFeatures, "fit", lambda self, images: False)
    live, expected = trained(spec, dataset)
    assert not live._features
    assert losses == expected
    own, other = cached.model.state_dict(), live.model.state_dict()
    assert all(torch.equal(own[name], other[name]) for name in own)


def test_a_step_is_that_of_plain_torch_on_the_whole_network(dataset: Dataset) -> None:
    spec = replace(HEAD, layers=tuple(layer for layer in HEAD.layers if not isinstance(layer, Dropout)))
    config = replace(CONFIG, optimizer="sgd", lr=0.1, epochs=1, batch_size=23)
    training, losses = trained(spec, dataset, config)
    twin = build_model(spec, seed=config.seed).train()
    loss = functional.cross_entropy(twin(dataset.train.images / 255), dataset.train.labels)
    loss.backward()
    assert losses == [pytest.approx(loss.item(), rel=1e-5)]
    weight = twin[2].weight
    expected = weight.detach() - 0.1 * weight.grad
    torch.testing.assert_close(training.model[2].weight.detach(), expected, rtol=1e-4, atol=1e-6)


def test_features_are_kept_on_the_disk_for_the_same_pictures_and_layers(
    dataset: Dataset, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = trained(HEAD, dataset)[1]
    computed = sum(passes) - 1  # of one image it is seen how much memory features take
    assert computed == len(dataset.train) + len(dataset.valid)
    passes.clear()
    assert trained(HEAD, dataset)[1] == losses
    assert sum(passes) == 1
    passes.clear()
    more = load_dataset("digits", limit=25)
    assert list(trained(replace(HEAD, layers=(Backbone(up_to=2, size=64), *HEAD.layers[1:])), dataset)[1]) != losses
    assert sum(passes) == 1 + len(dataset.train) + len(dataset.valid)
    passes.clear()
    new = set(feature_cache.digests_of(more.train.images)) - set(feature_cache.digests_of(dataset.train.images))
    trained(HEAD, more)
    assert sum(passes) == 1 + len(new)
    monkeypatch.setattr(feature_cache, "LIMIT_BYTES", 0)
    trained(TAIL, dataset)
    assert not [path for path in (feature_cache.settings().home / "features").rglob("*") if path.is_file()]


def test_a_damaged_file_of_features_is_computed_again(dataset: Dataset, passes: list[int]) -> None:
    losses = trained(HEAD, dataset)[1]
    for path in (feature_cache.settings().home / "features").rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-40])
    passes.clear()
    assert trained(HEAD, dataset)[1] == losses
    assert sum(passes) > len(dataset.train)


def test_augmentation_changes_the_images_that_pass_every_time(dataset: Dataset, passes: list[int]) -> None:
    training, losses = trained(HEAD, dataset, replace(CONFIG, shift=0.2))
    assert set(training._features) == {"valid"}
    assert sum(passes) == 1 + len(dataset.valid) + 2 * len(dataset.train)
    assert losses != trained(HEAD, dataset)[1]


def test_a_checkpoint_leaves_out_what_no_training_changes_and_goes_on_exactly(dataset: Dataset) -> None:
    through, losses = trained(TAIL, dataset)
    begun = Training(build_model(TAIL, seed=3), dataset, CONFIG)
    before = [step.train_loss for step in islice(begun, 2)]
    checkpoint = begun.checkpoint()
    assert frozen_names(begun.model)
    assert checkpoint.weights.keys() == begun.model.state_dict().keys() - frozen_names(begun.model)
    again = Training(build_model(TAIL, seed=9), dataset, CONFIG)
    again.restore(checkpoint)
    assert before + [step.train_loss for step in again] == losses
    own, other = through.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(own[name], other[name]) for name in own)


def test_changed_frozen_weights_are_kept_in_checkpoints(dataset: Dataset) -> None:
    model = build_model(HEAD, seed=3)
    with torch.no_grad():
        model[0].block1.conv.weight[0] = 0
    training = Training(model, dataset, CONFIG)
    assert training.checkpoint().weights.keys() == model.state_dict().keys()


@pytest.mark.parametrize(
    ("layers", "changes", "sentence"),
    [
        (HEAD.layers, {"inputs": "standard"}, "takes pixel values from 0 to 1"),
        (HEAD.layers, {"first_filters": "by_hand"}, "come from its pretrained backbone"),
        ((Backbone(up_to=2, size=64), GlobalAvgPool()), {}, "Nothing in this network can learn"),
    ],
)
def test_what_cannot_train_is_refused(
    layers: tuple[Layer, ...], changes: dict[str, str], sentence: str, dataset: Dataset
) -> None:
    spec = ModelSpec("Odd", (1, 8, 8), 10 if len(layers) > 2 else 16, layers)
    with pytest.raises(ConfigError, match=sentence):
        Training(build_model(spec), dataset, replace(CONFIG, **changes))
