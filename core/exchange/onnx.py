"""Export of a run's network to ONNX."""

import io
import json
import threading

import torch

from core.exchange.preprocessing import preprocessing, preprocessing_code
from core.extras import extra
from core.runs.records import Run
from core.runs.store import RunStore

OPSET = 17  # has all that the layers need, and is understood since 2022
_LOCK = threading.Lock()  # torch's exporter keeps its settings in global variables


def to_onnx(store: RunStore, run_id: str) -> bytes:
    """Return the latest network of a run in evaluation mode as an ONNX model of any batch size.

    Its input "images" is (N, C, H, W) float32, prepared as its notes say ("preprocessing" and "classes" among its
    metadata, and its description); its output "logits" is (N, K).

    torch's older exporter is used: it takes 0.6 s where the new one takes 9 s and two more packages, and plain
    stacks of layers gain nothing from the new one (https://docs.pytorch.org/docs/stable/onnx.html).

    Raises:
        RunError: There is no such run, or it has no weights yet.
        StorageError: The weights are damaged.
        MissingPackageError: onnx is not installed.
    """
    with extra("onnx"):
        import onnx  # noqa: F401  # torch asks for it too, after its work
    model, run = store.load_model(run_id), store.get(run_id)
    images = torch.zeros(1, *run.spec.input_shape)
    content = io.BytesIO()
    with _LOCK:
        torch.onnx.export(
            model,
            (images,),
            content,  # type: ignore[arg-type]  # an open file is accepted, and none is left behind
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
    return _with_notes(_with_plain_padding(content.getvalue()), run)


def _with_notes(content: bytes, run: Run) -> bytes:
    """Return a model with metadata on preprocessing and class names."""
    import onnx

    model, steps = onnx.load_from_string(content), "\n".join(preprocessing(run))
    model.doc_string = f'How to prepare pictures for "images":\n{steps}\n"logits" are scores before softmax.'
    notes = {"preprocessing": steps, "preprocessing.py": preprocessing_code(run)}
    onnx.helper.set_model_props(model, notes | {"classes": json.dumps(run.class_names, ensure_ascii=False)})
    packed: bytes = model.SerializeToString()
    return packed


def _with_plain_padding(content: bytes) -> bytes:
    """Replace "same" padding by numbers: ONNX deprecated `auto_pad`, and some runtimes cannot dilate under it."""
    import onnx

    model = onnx.load_from_string(content)
    for node in model.graph.node:
        settings = {setting.name: setting for setting in node.attribute}
        if node.op_type == "Conv" and settings.get("auto_pad") and settings["auto_pad"].s == b"SAME_UPPER":
            sides = zip(settings["kernel_shape"].ints, settings["dilations"].ints, strict=True)
            totals = [dilation * (size - 1) for size, dilation in sides]  # "same" only goes with a stride of 1
            pads = [total // 2 for total in totals] + [total - total // 2 for total in totals]
            node.attribute.remove(settings["auto_pad"])
            node.attribute.append(onnx.helper.make_attribute("pads", pads))
    packed: bytes = model.SerializeToString()
    return packed
