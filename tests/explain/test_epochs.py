"""The course of an explanation: what each epoch of a recorded run says, in order, and when it stopped changing."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor

from core.data.datasets import load_dataset
from core.errors import ExplainError, StorageError
from core.explain.attribution import Attribution, attribute, heatmap
from core.explain.epochs import (
    EpochExplanation,
    MissingEpoch,
    explain_epochs,
    settled,
    share_inside,
    similarity_to_last,
    thinned,
)
from core.inference.prediction import predict
from core.model.build import build_model
from core.model.layers import Activation, Conv, Dense, Flatten
from core.model.spec import ModelSpec
from core.runs.store import RunStore
from core.train.config import TrainConfig
from core.train.runner import Runner

pytestmark = pytest.mark.filterwarnings("ignore:Setting backward hooks")
SPEC = ModelSpec("Small network", (1, 8, 8), 10, (Conv(4), Activation(), Flatten(), Dense(10)))


@pytest.fixture
def store(home: object) -> Iterator[RunStore]:
    store = RunStore()
    yield store
    store.close()


@pytest.fixture
def run_id(store: RunStore) -> str:
    """Train a network on digits for three epochs."""
    config = TrainConfig(epochs=3, batch_size=32, train_images=160, lr=0.01, precision="fp32", device="cpu")
    run_id = store.create(SPEC, config, "digits", owner="tests")
    Runner(store, run_id, "tests").run()
    return run_id


def image() -> Tensor:
    digits = load_dataset("digits")
    return digits.normalize(digits.test.images[:1])[0]


def followed(
    store: RunStore, run_id: str, method: str = "saliency", **told: object
) -> Iterator[EpochExplanation | MissingEpoch]:
    """Follow class 3 of the first test image through all epochs that are kept."""

    def explain(epoch: int | None, inside: object) -> Attribution:
        return attribute(store.load_model(run_id, epoch), image(), 3, method)

    def probabilities(epoch: int | None) -> np.ndarray:
        return predict(store.load_model(run_id, epoch), image()[None])[0].numpy()

    return explain_epochs(store.epochs(run_id), explain, probabilities, **told)  # type: ignore[arg-type]


def moment(values: object, epoch: int = 0) -> EpochExplanation:
    return EpochExplanation(epoch, np.asarray(values, dtype=np.float32), True, 0.0, np.array([1.0], dtype=np.float32))


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "occlusion"])
def test_it_goes_from_the_untrained_network_to_the_latest_weights(store: RunStore, run_id: str, method: str) -> None:
    moments = list(followed(store, run_id, method))
    assert [each.epoch for each in moments] == [0, 1, 2, 3]
    for each, model in ((moments[0], build_model(SPEC, seed=0)), (moments[-1], store.load_model(run_id))):
        assert isinstance(each, EpochExplanation)
        direct = attribute(model.eval(), image(), 3, method)
        assert np.array_equal(each.heatmap, heatmap(direct).numpy())
        assert (each.score, each.signed) == (direct.score, direct.signed)
        assert np.array_equal(each.probabilities, predict(model, image()[None])[0].numpy())
    first, last = moments[0], moments[-1]
    assert isinstance(first, EpochExplanation) and isinstance(last, EpochExplanation)
    assert not np.array_equal(first.heatmap, last.heatmap)


def test_a_damaged_epoch_leaves_a_gap_with_its_reason(store: RunStore, run_id: str) -> None:
    path = store.checkpoint(run_id, 1)
    whole = [each for each in followed(store, run_id) if isinstance(each, EpochExplanation)]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StorageError) as error:
        store.load_model(run_id, 1)
    moments = list(followed(store, run_id))
    assert moments[1] == MissingEpoch(1, str(error.value))
    for place in (0, 2, 3):
        each = moments[place]
        assert isinstance(each, EpochExplanation)
        assert np.array_equal(each.heatmap, whole[place].heatmap)


def test_a_mishap_that_is_no_answer_is_not_hidden(store: RunStore, run_id: str) -> None:
    def explain(epoch: int | None, inside: object) -> Attribution:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(explain_epochs([0], explain, lambda epoch: np.zeros(1, dtype=np.float32)))


def test_progress_rises_to_the_end_also_within_an_epoch() -> None:
    told: list[tuple[int, int]] = []

    def explain(epoch: int | None, inside: object) -> Attribution:
        inside(1, 4)  # type: ignore[operator]
        return Attribution(torch.ones(2, 2), "saliency", 0, False, 0.0, {})

    found = list(
        explain_epochs(
            [0, None], explain, lambda epoch: np.ones(1, dtype=np.float32), progress=lambda *at: told.append(at)
        )
    )
    assert [each.epoch for each in found] == [0, None]
    assert told == [(0, 2000), (250, 2000), (1000, 2000), (1250, 2000), (2000, 2000)]


class Stop(BaseException):
    pass


def test_cancelled_it_ends_at_once_and_leaves_the_network_as_it_was(store: RunStore, run_id: str) -> None:
    model = store.load_model(run_id)
    asked: list[int | None] = []

    def explain(epoch: int | None, inside: object) -> Attribution:
        asked.append(epoch)
        return attribute(model, image(), 3, "guided_backprop")

    def progress(done: int, total: int) -> None:
        if done >= 1000:
            raise Stop

    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    with pytest.raises(Stop):
        list(explain_epochs([0, 1, 2, 3], explain, lambda epoch: np.ones(10, dtype=np.float32), progress=progress))
    assert asked == [0]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())
    assert not any(weight.grad is not None for weight in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)


def test_likeness_is_spearmans_correlation_with_the_last_map() -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(3, 5, 4)).round(1)  # with ties
    found = similarity_to_last([moment(values) for values in maps])
    assert found == pytest.approx([spearmanr(values.ravel(), maps[-1].ravel()).statistic for values in maps])
    assert similarity_to_last([moment(-maps[0]), moment(maps[0])])[0] == pytest.approx(-1)
    assert similarity_to_last([moment(np.exp(maps[0])), moment(maps[0])])[0] == pytest.approx(1)


def test_what_is_blank_or_missing_has_no_likeness() -> None:
    some, blank = moment([[1, 2], [3, 4]]), moment(np.zeros((2, 2)))
    assert similarity_to_last([blank, MissingEpoch(1, "Damaged."), some, some]) == (
        None,
        None,
        pytest.approx(1),
        pytest.approx(1),
    )
    assert similarity_to_last([some, blank]) == (None, None)
    assert similarity_to_last([some, MissingEpoch(1, "Damaged.")]) == (None, None)
    assert similarity_to_last([]) == ()
    assert blank.blank and not some.blank
    assert moment(np.full((2, 2), 0.5)).blank


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ([0.1, 0.95, 0.2, 0.9, 0.92, 1.0], 3),
        ([0.95, 0.96, 1.0], 0),
        ([0.1, 0.2, 1.0], None),
        ([0.95, None, 1.0], None),
        ([None, 0.95, 1.0], 1),
        ([1.0], None),
        ([], None),
        ([0.95, 0.95, None], None),
    ],
)
def test_settled_is_where_all_that_follow_are_alike(values: list[float | None], place: int | None) -> None:
    assert settled(values) == place


def test_thinned_epochs_keep_the_ends_and_are_spread_evenly() -> None:
    assert thinned((0, 1, 5), 3) == (0, 1, 5)
    assert thinned(range(101), 5) == (0, 25, 50, 75, 100)
    assert len(thinned(range(1000), 24)) == 24


def test_the_share_inside_a_mask_by_hand() -> None:
    values, mask = np.array([[3, -5], [1, 0]], dtype=np.float32), np.array([[True, True], [False, False]])
    assert share_inside(values, mask) == 0.75
    assert share_inside(np.ones((2, 2), dtype=np.float32), mask) == mask.mean()
    assert share_inside(-np.ones((2, 2), dtype=np.float32), mask) is None
    with pytest.raises(ValueError, match="does not fit"):
        share_inside(values, np.ones((3, 3), dtype=bool))


def test_an_explanation_that_cannot_be_given_is_a_gap() -> None:
    def explain(epoch: int | None, inside: object) -> Attribution:
        raise ExplainError("This method does not fit.")

    assert list(explain_epochs([2], explain, lambda epoch: np.ones(1, dtype=np.float32))) == [
        MissingEpoch(2, "This method does not fit.")
    ]
