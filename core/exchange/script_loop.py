"""Code of the training loop in a run's script: templates and what is filled into them."""

from textwrap import indent

from core.exchange import script_parts
from core.exchange.layout import METRICS
from core.model.source_listing import listing
from core.train.config import TrainConfig

_PREPARATION = '''
device = torch.device({device})
{precision}


{layout}


layout = pick_layout(model, device)
model = model.to(device).to(memory_format=layout)
optimizer = {optimizer}
train_images, train_labels = train_images.to(device), train_labels.to(device)
steps_per_epoch = {steps_per_epoch}
{scale}


{normalizing}


def prepare(images):
    """Turn images, uint8 or float32 from 0 to 1, into what the network receives."""
    return normalized(images, mean, std).contiguous(memory_format=layout)


def measure(logits, labels):
    """Return the mean loss of logits (N, K) for classes (N,)."""
{measure}


def learning_rate(step):
    """Return the learning rate of the update after `step` others."""
{schedule}
    return LR * factor


@torch.no_grad()
def evaluate(images, labels, precision=torch.float32{network}):
    """Return the mean loss, and the share of the images that are classified rightly."""
    model.eval()
    total, right = 0.0, 0
    for part, truth in zip(images.split(256), labels.to(device).split(256), strict=True):
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            logits = {logits}.float()
        total += measure(logits, truth).item() * len(truth)
        right += int((logits.argmax(1) == truth).sum())
    return total / len(labels), right / len(labels)
'''

_LOOP = '''
def train():
    """Train and yield what every update measured: step, epoch, learning rate, loss, accuracy, and on validation."""
    torch.manual_seed(SEED)  # dropout follows from it
    step = 0
{memory}    for epoch in range(1, EPOCHS + 1):
        order = {order}
{epoch}        print(f"epoch {{epoch}}: validation loss {{valid[0]:.4f}}, accuracy {{valid[1]:.2%}}", flush=True)
{budgets}

rows = list(train())
with (here / "again.csv").open("w", newline="") as file:
    names = ("step", "epoch", "lr", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    csv.writer(file).writerows([names, *rows])
print("test: loss {{:.4f}}, accuracy {{:.2%}}".format(*evaluate(test_images, test_labels)))
if (here / "{metrics}").exists():
    with (here / "{metrics}").open(newline="") as file:
        recorded = [float(row["train_loss"]) for row in csv.DictReader(file)]
    apart = max((abs(row[3] - loss) for row, loss in zip(rows, recorded, strict=False)), default=0.0)
    print(f"{{len(rows)}} steps, {{len(recorded)}} in {metrics}: the losses are at most {{apart:.1e}} apart")
'''

_BEGIN = """\
lr = learning_rate(step)
for group in optimizer.param_groups:
    group["lr"] = lr
model.train()
optimizer.zero_grad()
"""

_DESCEND = """\
with torch.autocast(device.type, precision, enabled=precision != torch.float32):
    logits = {network}({images}).float()
labels = train_labels[batch]
loss = {loss}
{count}
{backward}
"""

_END = """\
{clip}optimizer.step()
step += 1
valid = evaluate({valid}) if step % steps_per_epoch == 0 else ("", "")
yield step, epoch, lr, value, right / {count}, *valid
"""

_LAST = """\
if step == LAST_STEP:
    return
"""

_PATIENCE = """\
        if valid[0] < best_loss:
            best_loss, best_epoch = valid[0], epoch
        if epoch - best_epoch >= PATIENCE:
            return
"""

_TARGET = """\
        if valid[1] >= TARGET_ACCURACY:
            return
"""


def preparation(config: TrainConfig, fewest: int, *, frozen: bool = False) -> str:
    """Return the code between the network and the loop.

    Args:
        config: The settings.
        fewest: How many images a batch has at least.
        frozen: Whether layers in front are frozen, so that the others can be asked by themselves.
    """
    whole = "model(prepare(part.to(device)))"
    if config.optimizer == "gd":
        updates = "1"
    elif fewest == 1:
        updates = "math.ceil(len(train_labels) / BATCH_SIZE)"
    else:
        updates = f"len({_split('torch.arange(len(train_labels))', fewest)})"
    return _PREPARATION.format(
        device=script_parts.DEVICES[config.device],
        precision=script_parts.PRECISIONS[config.precision],
        layout=listing("train/hardware.py", ("pick_layout",)),
        optimizer=script_parts.optimizer(config, frozen=frozen),
        steps_per_epoch=updates,
        scale=script_parts.SCALES[config.inputs],
        normalizing=listing("data/normalization.py", ("normalized",)),
        measure=script_parts.LOSSES[config.loss],
        schedule=script_parts.schedule(config),
        network=", network=None" if frozen else "",
        logits=f"({whole} if network is None else network(part))" if frozen else whole,
    )


def _split(order: str, fewest: int) -> str:
    """Return the expression that splits the order of an epoch into batches of at least so many images."""
    return f"{order}.split(BATCH_SIZE)" if fewest == 1 else f"batches({order}, BATCH_SIZE, {fewest})"


def loop(config: TrainConfig, fewest: int, *, cut: bool, frozen: bool = False) -> str:
    """Return the loop and what comes after it; if it is `cut`, it ends after LAST_STEP; see `preparation`."""
    return _LOOP.format(
        memory="    best_loss, best_epoch = math.inf, 0\n" if config.patience else "",
        order=script_parts.ORDERS[config.order],
        epoch=indent(_epoch(config, fewest, cut, frozen), " " * 8),
        budgets=(_TARGET if config.target_accuracy else "") + (_PATIENCE if config.patience else ""),
        metrics=METRICS,
    )


def _epoch(config: TrainConfig, fewest: int, cut: bool, frozen: bool) -> str:
    """Return the statements of an epoch: an update for each batch, or one from the gradient of all of them."""
    every, batches = config.optimizer == "gd", f"for batch in {_split('order.to(device)', fewest)}:\n"
    counts = "value, right = loss.item(), (logits.argmax(1) == labels).sum().item()"
    if every:
        counts = "share = len(batch) / len(order)\nvalue += loss.item() * share\n"
        counts += "right += (logits.argmax(1) == labels).sum().item()"
    descend = _DESCEND.format(
        network="rest" if frozen else "model",
        images=script_parts.batch_images(config, frozen=frozen),
        loss=script_parts.training_loss(config),
        count=counts,
        backward=script_parts.backward(config, "share" if every else "", frozen=frozen),
    )
    clip = "nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)\n" if config.clip_norm else ""
    valid = "valid_features, valid_labels, precision, rest" if frozen else "valid_images, valid_labels, precision"
    end = _END.format(clip=clip, count="len(order)" if every else "len(batch)", valid=valid) + (_LAST if cut else "")
    if every:
        return f"{_BEGIN}value, right = 0.0, 0\n{batches}{indent(descend, ' ' * 4)}{end}"
    return batches + indent(_BEGIN + descend + end, " " * 4)
