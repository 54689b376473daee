"""What compressing a network costs and saves: predictions, file size and inference time of both, measured together."""

from dataclasses import dataclass

from torch import Tensor, nn

from core.compression.changes import PredictionChanges, compare
from core.compression.cost import FileSize, InferenceTime, TimeRatio, race, size_of
from core.compression.plan import LayerCompression, compress
from core.compression.ways import CompressionPlan
from core.failures import in_sentences
from core.model.spec import ModelSpec
from core.progress import Progress

STAGES = (10, 70, 20)  # shares of the work, in percent: compressing, predicting by both networks, timing


@dataclass(frozen=True, eq=False)
class CompressionResult:
    """Measurements of a network and its compressed copy, without the networks.

    Attributes:
        change: The predictions of both for the images of the split.
        sizes, paces: File sizes and times of the original, and of the compressed copy.
        ratio: How long the copy takes as a share of the original's time.
        layers: What each layer lost.
        sparsity: Share of the copy's weights that are zero.
    """

    change: PredictionChanges
    sizes: tuple[FileSize, FileSize]
    paces: tuple[InferenceTime, InferenceTime]
    ratio: TimeRatio
    layers: tuple[LayerCompression, ...]
    sparsity: float


@in_sentences("Measuring the smaller network")
def measure(
    spec: ModelSpec,
    model: nn.Module,
    plan: CompressionPlan,
    calibration: Tensor,
    images: Tensor,
    labels: Tensor,
    *,
    progress: Progress,
) -> CompressionResult:
    """Compress a network and measure both.

    Args:
        spec, model: The network, which is left unchanged.
        plan: How it is compressed.
        calibration: Normalised images that set the ranges of int8 activations, (M, C, H, W).
        images, labels: Normalised images that judge both, (N, C, H, W), and their classes, (N,).
        progress: Told of percent: (done, 100).

    Raises:
        ConvScopeError: It cannot be compressed so, or one of the networks fails.
    """
    copy = compress(spec, model, plan, calibration, progress=_of_stage(progress, 0))
    change = compare(model, copy.model, images, labels, progress=_of_stage(progress, 1))
    paces, ratio = race(model, copy.model, images[0], progress=_of_stage(progress, 2))
    sizes = size_of(spec, model), size_of(copy.spec, copy.model)
    return CompressionResult(change, sizes, paces, ratio, copy.layers, copy.sparsity)


def _of_stage(progress: Progress, stage: int) -> Progress:
    """Return the progress of one of the `STAGES`, told on as that of the whole."""

    def tell(done: int, total: int) -> None:
        progress(round(sum(STAGES[:stage]) + STAGES[stage] * done / max(1, total)), sum(STAGES))

    return tell
