"""Export of a run's network for PyTorch: weights (safetensors) or an exported program (.pt2)."""

import io
import json
import threading

import torch
from safetensors.torch import save

from core.exchange.layout import OWN
from core.runs.store import RunStore

_LOCK = threading.Lock()  # the exporter of torch traces under global settings


def to_weights(store: RunStore, run_id: str) -> bytes:
    """Return the latest weights of a run as a safetensors file, bit for bit, without the state of its training.

    Its entries are those of the `state_dict` of the network that `predict.py` and `core.model.to_python` write down.
    Its note "convscope" says in JSON the stack ("spec"), the names of the classes and that the numbers are float32.

    Raises:
        RunError: There is no such run, or it has no weights yet.
        StorageError: The weights are damaged.
    """
    run, weights = store.get(run_id), store.load_model(run_id).state_dict()
    about = {"spec": json.loads(run.spec.to_json()), "numbers": "float32", "classes": run.class_names}
    notes = {"format": "pt", OWN: json.dumps(about, ensure_ascii=False)}
    return save({name: tensor.contiguous() for name, tensor in weights.items()}, notes)


def to_program(store: RunStore, run_id: str) -> bytes:
    """Return the latest network of a run in evaluation mode as a .pt2 file, for `torch.export.load`.

    It takes images (N, C, H, W) float32, normalised as in training, for any N from 1 on, and gives logits (N, K)
    (https://docs.pytorch.org/docs/stable/export.html).

    Raises:
        RunError: There is no such run, or it has no weights yet.
        StorageError: The weights are damaged.
    """
    model = store.load_model(run_id).requires_grad_(False)
    images = torch.zeros(2, *store.get(run_id).spec.input_shape)  # one image would be taken for a fixed number of them
    with _LOCK:
        program = torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    content = io.BytesIO()
    torch.export.save(program, content)
    return content.getvalue()
