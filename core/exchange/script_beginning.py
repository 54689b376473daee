"""Code in a run's script that replaces the first filters by hand-made kernels, as `core.train.initialization` does."""

from core.model.handmade import KERNELS, kernel
from core.model.layers import Conv, Residual
from core.model.spec import ModelSpec

_CODE = """
hand_made = (  # {names}
{rows})
weight = next(module for module in model.modules() if isinstance(module, nn.Conv2d)).weight
with torch.no_grad():
    for number, rows in zip(range(len(weight)), hand_made):
        values = torch.tensor(rows, dtype=torch.float64).to(weight).expand(weight.shape[1:])
        weight[number] = values * (weight[number].norm() / values.norm())
"""


def beginning(spec: ModelSpec) -> str:
    """Return the code; "" where no hand-made kernel fits the network's first filters."""
    sizes = [layer.kernel_size for layer in spec.layers if isinstance(layer, (Conv, Residual))]
    if not sizes or sizes[0] < 3 or sizes[0] % 2 == 0:
        return ""
    rows = "".join(f"    {kernel(name, sizes[0]).tolist()},\n" for name in KERNELS)
    return _CODE.format(names=", ".join(KERNELS), rows=rows)
