"""The network as Python code that a person can read, copy and run."""

from core.errors import SpecError
from core.formatting import dimensions
from core.model.backbone_shapes import num_blocks, resized
from core.model.calls import module_call
from core.model.layers import Backbone, Residual
from core.model.shapes import problems, summarize
from core.model.source_listing import listing
from core.model.spec import ModelSpec
from core.model.zoo import BUNDLED, zoo_info

_IMPORTS = "from collections import OrderedDict\n\nimport torch\nfrom torch import nn\n"


def to_python(spec: ModelSpec, *, seed: int = 0) -> str:
    """Return PyTorch code that makes the very network of `build_model(spec, seed=seed)`, as the name `model`.

    Raises:
        SpecError: As for `network_code`.
    """
    return _IMPORTS + network_code(spec, seed=seed) + _loading(spec)


def network_code(spec: ModelSpec, *, seed: int = 0) -> str:
    """Return the code of `to_python` without its imports, beginning with an empty line.

    The weights of a backbone, called `backbone` in it, are not loaded.

    Raises:
        SpecError: The layers do not fit together; the sentence is that of the first problem and its first fix.
    """
    for problem in problems(spec):
        raise SpecError(problem.sentence)
    lines, comments = [], []
    for layer, summary in zip(spec.layers, summarize(spec), strict=True):
        assert summary.input_shape is not None and summary.output_shape is not None
        made = "backbone" if isinstance(layer, Backbone) else module_call(layer, summary.input_shape)
        lines.append(f'        ("{summary.name}", {made}),')
        comments.append(dimensions(summary.output_shape, "×"))
    width = max(map(len, lines))
    stack = [f"{line:<{width}}  # {comment}" for line, comment in zip(lines, comments, strict=True)]
    block = ["", *_backbone(spec.layers[0], spec.input_shape), "", ""] if isinstance(spec.layers[0], Backbone) else []
    if any(isinstance(layer, Residual) for layer in spec.layers):
        block += ["", listing("model/residual.py", ("ResidualBlock",)), "", ""]
    size = dimensions(spec.input_shape, "×")
    return "\n".join(
        [
            "",
            *block,
            f"torch.manual_seed({seed})  # the same first weights every time",
            f"# {spec.name}: {size} images in, {spec.num_classes} logits out",
            "model = nn.Sequential(",
            "    OrderedDict([",
            *stack,
            "    ])",
            ")",
            "",
        ]
    )


# What EfficientNet-Lite0 is made of, in `core/model/zoo_modules.py`.
_LITE0 = ("Lite0", "_STAGES", "InvertedResidual", "FarPaddedConv2d", "_convolution", "_norm", "_stack")


def _backbone(layer: Backbone, input_shape: tuple[int, int, int]) -> list[str]:
    """Return the code that makes a backbone, with fresh weights."""
    info, bundled = zoo_info(layer.network), layer.network == BUNDLED
    last = layer.up_to or num_blocks(layer.network)
    trains = f"trains from block {layer.train_from}" if layer.train_from else "stays as it is"
    network = "Lite0()" if bundled else f"torchvision.models.{layer.network}()"
    imports = ["from collections.abc import Sequence", "", *([] if bundled else ["import torchvision"])]
    return [
        *imports,
        "from torch import Tensor",
        "",
        "",
        *([listing("model/zoo_modules.py", _LITE0), "", ""] if bundled else []),
        listing("model/backbone.py", ("PixelInput", "Backbone", "blocks_of")),
        "",
        "",
        f"# {info.title}, which learned from 1.28 million photographs (ImageNet), up to its block {last}: it {trains}.",
        f"pixels = PixelInput({resized(layer, input_shape[1:])}, {info.mean}, {info.std})",
        f"backbone = Backbone(blocks_of({network})[:{last}], pixels, train_from={layer.train_from})",
    ]


def _loading(spec: ModelSpec) -> str:
    """Return the code that loads the weights of a backbone, or nothing."""
    first = spec.layers[0]
    if not isinstance(first, Backbone):
        return ""
    file = f"{first.network}.safetensors"
    return f"""
from safetensors.torch import load_file

weights = load_file("{file}")  # python -m core.exchange backbone {first.network} {file}
backbone.load_state_dict({{name: weights[name] for name in backbone.state_dict()}})
"""
