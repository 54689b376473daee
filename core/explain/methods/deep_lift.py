"""DeepLIFT by the rescale rule, exact wherever pooling windows lie (Shrikumar, Greenside and Kundaje 2017).

Captum hangs its rules on tensors and writes the share of a pooling window over that of another where windows overlap,
so that the values no longer sum to the change of score. Here each step computes its own multiplier in the forward pass:
`multiplier * (image - image.detach())` is zero, and its gradient is the multiplier.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# The rescale rule holds for every function that treats numbers one by one.
ELEMENTWISE = (
    nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.Hardsigmoid, nn.ELU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh,
)  # fmt: skip
_SAME = 1e-6  # of two numbers' size: nearer ones get the slope of the function, as their difference is mostly rounding

Forward = Callable[[Tensor], Tensor]


def deep_lift(network: nn.Module, image: Tensor, starts: Tensor, target: int, batch: int) -> Tensor:
    """Return the mean DeepLIFT attribution of an image over starting pictures, (C, H, W).

    Its values sum to the score of the image less the mean score of the starting pictures, but for rounding.

    Args:
        network: A copy of a network in which each operation is a module: it is changed. In evaluation mode.
        image: (1, C, H, W).
        starts: (N, C, H, W).
        target: Index of the output to explain.
        batch: How many images to pass through at once; a pair takes two.
    """
    _give_rules(network)
    total = torch.zeros_like(image[0])
    for part in starts.split(max(1, batch // 2)):
        images = image.detach().expand(len(part), -1, -1, -1).clone().requires_grad_()
        scores = network(torch.cat([images, part]))[: len(part), target]
        multipliers = torch.autograd.grad(scores.sum(), images)[0]
        total += (multipliers * (images.detach() - part)).sum(dim=0)
    return total / len(starts)


def replace_forward(module: nn.Module, forward: Callable[..., Tensor]) -> None:
    """Replace the forward function of one module of a copy; the original and its class are not touched."""
    module.__dict__["forward"] = forward


def _give_rules(network: nn.Module) -> None:
    """Give the activations and max poolings of a network the rescale rule as their backward pass.

    Their batches hold the images and then as many starting pictures.
    """
    for module in network.modules():
        if isinstance(module, ELEMENTWISE):
            replace_forward(module, _rescaled(module.forward))
        elif isinstance(module, nn.MaxPool2d):
            replace_forward(module, _pooled(module))


def _rescaled(forward: Forward) -> Forward:
    """Return an elementwise function whose gradient is the multiplier Δoutput / Δinput (section 3.5.2)."""

    def compute(pairs: Tensor) -> Tensor:
        inputs = pairs.detach()
        first, second = inputs.chunk(2)
        with torch.enable_grad():
            bent = first.clone().requires_grad_()
            slope = torch.autograd.grad(forward(bent).sum(), bent)[0]
        with torch.no_grad():
            output, reference = forward(inputs).chunk(2)
            step = first - second
            differ = step.abs() > _SAME * torch.maximum(first.abs(), second.abs())
            multiplier = torch.where(differ, (output - reference) / step, slope)
        image = pairs.chunk(2)[0]
        return torch.cat([output + multiplier * (image - first), reference])

    return compute


def _pooled(pool: nn.MaxPool2d) -> Forward:
    """Return a max pooling that shares the difference of each window among the two places it comes from.

    With x and r the maxima of the image and the starting picture and t the larger one, the place of x gets t − r and
    that of r gets x − t (Lundberg and Lee 2017, as in their code): each lies between zero and the difference at its
    place. What several windows give to one place adds up.
    """

    def compute(pairs: Tensor) -> Tensor:
        with torch.no_grad():
            output, places = F.max_pool2d(
                pairs.detach(), pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode, True
            )
        image, first = pairs.chunk(2)[0].flatten(2), pairs.detach().chunk(2)[0].flatten(2)
        step = first - pairs.detach().chunk(2)[1].flatten(2)
        here, there = (each.flatten(2) for each in places.chunk(2))
        one, other = (each.flatten(2) for each in output.chunk(2))
        larger = torch.maximum(one, other)
        raised = _share(larger - other, step.gather(2, here), (one == other).to(step))
        lowered = _share(one - larger, step.gather(2, there), torch.zeros_like(step[:, :, :1]))
        relevance = (image - first).gather(2, here) * raised + (image - first).gather(2, there) * lowered
        return torch.cat([(one + relevance).reshape_as(output.chunk(2)[0]), output.chunk(2)[1]])

    return compute


def _share(change: Tensor, step: Tensor, same: Tensor) -> Tensor:
    """Return the share of a step that reaches the output, from 0 to 1; `same` where there was no step."""
    return torch.where(step == 0, same, change / step)
