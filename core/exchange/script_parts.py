"""Parts of a run's script that depend on one setting each: optimiser, loss, schedule, order, device, precision."""

from core.model.handmade import KERNELS, kernel
from core.model.layers import Conv, Residual
from core.model.spec import ModelSpec
from core.train.config import TrainConfig

OPTIMIZERS = {
    "adam": "torch.optim.Adam(model.parameters(), lr=LR, weight_decay=WEIGHT_DECAY, fused=True)",
    "adamw": "torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=WEIGHT_DECAY, fused=True)",
    "rmsprop": "torch.optim.RMSprop(model.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)",
    "nesterov": "torch.optim.SGD(\n"
    "    model.parameters(), lr=LR, momentum=MOMENTUM, nesterov=MOMENTUM > 0, weight_decay=WEIGHT_DECAY, fused=True\n)",
    "momentum": "torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY, fused=True)",
    "sgd": "torch.optim.SGD(model.parameters(), lr=LR, weight_decay=WEIGHT_DECAY, fused=True)",
    "gd": "torch.optim.SGD(model.parameters(), lr=LR, weight_decay=WEIGHT_DECAY, fused=True)",
}

_TRAINED = "[weight for weight in model.parameters() if weight.requires_grad]"

LOSSES = {
    "cross_entropy": "    return functional.cross_entropy(logits, labels)",
    "nll": "    return functional.nll_loss(functional.log_softmax(logits, dim=1), labels)",
    "mse": "    targets = functional.one_hot(labels, logits.shape[1]).to(logits.dtype)\n"
    "    return functional.mse_loss(torch.softmax(logits, dim=1), targets)",
}

SCHEDULES = {
    "constant": "    factor = 1.0",
    "step": "    factor = STEP_FACTOR ** math.floor(step / steps_per_epoch / STEP_EPOCHS + 1e-9)",
    "cosine": "    factor = (1 + math.cos(math.pi * (step / (steps_per_epoch * EPOCHS)))) / 2",
    "one_cycle": """\
    share = step / (steps_per_epoch * EPOCHS)
    rise, lowest, last = 0.3, 1 / 25, 1 / 25e4
    if share < rise:
        factor = 1 + (lowest - 1) * (1 + math.cos(math.pi * share / rise)) / 2
    else:
        factor = last + (1 - last) * (1 + math.cos(math.pi * (share - rise) / (1 - rise))) / 2""",
}

_WARM_UP = """
    warm_up = WARMUP_EPOCHS * steps_per_epoch
    if step < warm_up:
        factor *= (step + 1) / (warm_up + 1)"""

ORDERS = {
    "shuffled": "torch.randperm(len(train_labels), "
    "generator=torch.Generator().manual_seed(SEED * 1_000_003 + epoch - 1))",
    "by_class": "torch.argsort(train_labels.cpu(), stable=True)",
}

DEVICES = {
    "auto": '"cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"',
    **{name: f'"{name}"' for name in ("cpu", "cuda", "mps")},
}

PRECISIONS = {
    "fp32": "precision = torch.float32",
    "bf16": "precision = torch.bfloat16",
    "auto": """\
can = torch.cpu.get_capabilities()
fast = bool(can.get("avx512_bf16") or can.get("amx_bf16") or can.get("bf16"))
if device.type != "cpu":
    fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
precision = torch.bfloat16 if fast else torch.float32  # "auto" takes what is faster on this machine""",
}

SCALES = {
    "standard": "mean, std = MEAN, STD  # to mean 0 and deviation 1",
    "unit": "mean, std = [0.0], [1.0]  # pixels / 255",
    "raw": "mean, std = [0.0], [1 / 255]  # 0 to 255",
}

WRONG_LABELS = """
# So many of the training labels name another class, always the same ones.
draw = torch.Generator().manual_seed(SEED * 1_000_003 + 500_009)
count = round(len(train_labels) * WRONG_LABELS)
victims = torch.randperm(len(train_labels), generator=draw)[:count]
shifts = torch.randint(1, {classes}, (count,), generator=draw)
train_labels = train_labels.clone()
train_labels[victims] = (train_labels[victims] + shifts) % {classes}
"""


def schedule(config: TrainConfig) -> str:
    """Return the body of the function that gives the learning rate of a step."""
    warm_up = _WARM_UP if config.warmup_epochs and config.schedule != "one_cycle" else ""
    return SCHEDULES[config.schedule] + warm_up


def training_loss(config: TrainConfig) -> str:
    """Return the expression of the training loss; the validation loss has no label smoothing."""
    if config.loss == "cross_entropy" and config.label_smoothing:
        return "functional.cross_entropy(logits, labels, label_smoothing=LABEL_SMOOTHING)"
    return "measure(logits, labels)"


def optimizer(config: TrainConfig, *, frozen: bool) -> str:
    """Return the expression of the optimiser; of a network that is `frozen` in front, of the weights that train."""
    made = OPTIMIZERS[config.optimizer]
    return made.replace("model.parameters()", _TRAINED) if frozen else made


def batch_images(config: TrainConfig, *, frozen: bool) -> str:
    """Return the images of a batch as the network, or its layers behind the frozen ones, receive them."""
    if not config.augmentation.active:
        return "train_features[batch]" if frozen else "prepare(train_images[batch])"
    draw = "torch.Generator().manual_seed(SEED * 1_000_003 + 700_001 + step)"
    varied = f"augment(train_images[batch].float().div_(255), augmentation, {draw})"
    return f"{'features_of' if frozen else 'prepare'}({varied})"


def backward(config: TrainConfig, share: str, *, frozen: bool) -> str:
    """Return the statements from the loss of a batch to its gradient; `share` is its factor, or nothing."""
    lines = []
    if config.l1:
        trains = " and weight.requires_grad" if frozen else ""
        lines.append(f"weights = [weight for weight in model.parameters() if weight.dim() > 1{trains}]")
        lines.append("loss = loss + L1 * torch.stack([weight.abs().sum() for weight in weights]).sum()")
    lines.append(f"(loss * {share}).backward()" if share else "loss.backward()")
    return "\n".join(lines)


_HAND_MADE = """
hand_made = (  # {names}
{rows})
weight = next(module for module in model.modules() if isinstance(module, nn.Conv2d)).weight
with torch.no_grad():
    for number, rows in zip(range(len(weight)), hand_made):
        values = torch.tensor(rows, dtype=torch.float64).to(weight).expand(weight.shape[1:])
        weight[number] = values * (weight[number].norm() / values.norm())
"""


def beginning(spec: ModelSpec) -> str:
    """Return code that replaces the first filters by hand-made kernels; "" where none fits them."""
    sizes = [layer.kernel_size for layer in spec.layers if isinstance(layer, (Conv, Residual))]
    if not sizes or sizes[0] < 3 or sizes[0] % 2 == 0:
        return ""
    rows = "".join(f"    {kernel(name, sizes[0]).tolist()},\n" for name in KERNELS)
    return _HAND_MADE.format(names=", ".join(KERNELS), rows=rows)
