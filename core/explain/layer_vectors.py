"""What a layer makes of pictures, as vectors, and how the score of a class reacts to each of their numbers."""

from collections.abc import Callable

import torch
from captum.attr import LayerActivation, LayerGradientXActivation
from torch import Tensor, nn
from torch.nn import functional

from core.errors import ExplainError
from core.explain.prediction import batch_size, scores
from core.model.twin import twin_of

MOST = 2048  # numbers of a vector


class LayerVectors:
    """One layer of a network, asked through a copy.

    Maps of many cells are averaged over squares of cells until a vector has at most `MOST` numbers; a derivative
    along a direction in that space is then the sum of products with the averaged gradient, exactly.

    Args:
        model: (N, C, H, W) normalised images to (N, K) logits.
        layer: A name of `model.named_modules()`.
        normalize: Turns pixels, uint8, into what the network receives.
        tell: Called after each batch with the number of its pictures.

    Raises:
        ExplainError: There is no such layer.
    """

    def __init__(
        self,
        model: nn.Module,
        layer: str,
        normalize: Callable[[Tensor], Tensor],
        tell: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._model, self.layer, self._normalize, self._tell = twin_of(model), layer, normalize, tell
        modules = dict(self._model.named_modules())
        if not layer or layer not in modules:
            raise ExplainError(f"The network has no layer {layer[:60]!r}: choose one of its own.")
        for module in modules.values():  # what works in place would change a layer's output after the fact
            if getattr(module, "inplace", False):
                module.inplace = False
        self._module = modules[layer]
        self._device = next((weight.device for weight in self._model.parameters()), torch.device("cpu"))

    def activations(self, pixels: Tensor) -> Tensor:
        """Return the layer's output for pictures, uint8 (N, C, H, W): float32 (N, F) on the CPU."""
        captum = LayerActivation(self._model, self._module)
        return self._each(pixels, captum.attribute)

    def gradients(self, pixels: Tensor, target: int) -> Tensor:
        """Return the gradient of a class's logit at the layer's output for pictures: float32 (N, F) on the CPU.

        Raises:
            ExplainError: The network has no such class.
        """
        classes = scores(self._model, self._normalize(pixels[:1])).shape[1]
        if not 0 <= target < classes:
            raise ExplainError(f"The network has no class {target!r}: choose a whole number from 0 to {classes - 1}.")
        captum = LayerGradientXActivation(self._model, self._module, multiply_by_inputs=False)
        return self._each(pixels, lambda images: captum.attribute(images, target=target))

    def _each(self, pixels: Tensor, ask: Callable[[Tensor], Tensor]) -> Tensor:
        found = []
        for part in pixels.split(batch_size(pixels)):
            images = self._normalize(part).to(self._device).requires_grad_()
            with torch.enable_grad():
                answer = ask(images)
            if not isinstance(answer, Tensor) or len(answer) != len(part):
                raise ExplainError(f"Layer {self.layer} does not give one answer for each picture: choose another one.")
            found.append(_vectors(answer.detach()).float().cpu())
            self._tell(len(part))
        vectors = torch.cat(found)
        if not torch.isfinite(vectors).all():
            raise ExplainError(f"Layer {self.layer} gives numbers that are not finite: choose an earlier epoch.")
        return vectors


def _vectors(output: Tensor) -> Tensor:
    """Return a layer's output as vectors (N, F) of bounded length."""
    if output.ndim == 4:
        channels, height, width = output.shape[1:]
        side = max(1, int((MOST / channels) ** 0.5))
        if side < max(height, width):
            output = functional.adaptive_avg_pool2d(output, (min(side, height), min(side, width)))
    return output.flatten(1)
