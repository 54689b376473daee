"""Window and padding arithmetic of torch's convolution and pooling modules."""

from typing import Any

from torch import nn

from core.model.layer_result import Window


def windows_of(module: nn.Module) -> tuple[Window, Window] | None:
    """Return the windows of a convolution or a pooling, for rows and columns; None for any other module."""
    if isinstance(module, nn.Conv2d):
        front = border(module)
        return tuple(  # type: ignore[return-value]
            (space * (size - 1) + 1, stride, padding, space)
            for size, stride, padding, space in zip(
                module.kernel_size, module.stride, front[:2], module.dilation, strict=True
            )
        )
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        size, stride, padding = (_pair(value) for value in (module.kernel_size, module.stride, module.padding))
        space = _pair(getattr(module, "dilation", 1))
        return tuple(  # type: ignore[return-value]
            (space[side] * (size[side] - 1) + 1, stride[side], padding[side], space[side]) for side in (0, 1)
        )
    return None


def border(module: nn.Conv2d) -> tuple[int, int, int, int]:
    """Return the padding of a convolution at the top, left, bottom and right.

    "same" puts an odd one at the end; a convolution may also bring a padding layer of its own.
    """
    own = getattr(module, "static_padding", None)
    if isinstance(own, nn.ZeroPad2d):
        left, right, top, bottom = (int(side) for side in own.padding)
        return top, left, bottom, right
    if module.padding == "same":
        total = [space * (size - 1) for space, size in zip(module.dilation, module.kernel_size, strict=True)]
        return total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2
    down, right = (int(side) for side in module.padding)
    return down, right, down, right


def _pair(value: Any) -> tuple[int, int]:
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))
