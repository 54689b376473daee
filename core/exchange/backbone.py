"""The pretrained backbone of a run's network in what is exported of it: its weights, and code for a run's script."""

from core.exchange.layout import BACKBONE_WEIGHTS
from core.model.layers import Backbone
from core.model.source_listing import listing
from core.model.spec import ModelSpec
from core.train.config import TrainConfig

_LOADING = """
# The weights of {network} lie beside this script in a safetensors file. ConvScope writes it:
#   python -m core.exchange backbone {network} {file}
content = (here / "{file}").read_bytes()
first = 8 + int.from_bytes(content[:8], "little")
weights = {{}}
for name, entry in json.loads(content[8:first]).items():
    if name in backbone.state_dict():
        start, end = entry["data_offsets"]
        kind = {{"F32": np.float32, "I64": np.int64}}[entry["dtype"]]
        values = np.frombuffer(content[first + start : first + end], kind)
        weights[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
backbone.load_state_dict(weights)
"""

_FEATURES = '''
{splitting}


# What the frozen layers make of an image is the same in every step, and is computed once where images stay the same.
front, rest = frozen_front(model)


@torch.no_grad()
def features_of(images):
    """Return what the frozen layers make of images: {batch} at a time, always, which keeps the last digits the same."""
    features = []
    for part in images.split({batch}):
        whole = torch.cat([part, part[-1:].expand({batch} - len(part), *part.shape[1:])])
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            features.append(front(prepare(whole.to(device)))[: len(part)])
    return torch.cat(features)


valid_features = features_of(valid_images)
'''


def backbone_file(network: str) -> bytes:
    """Return the weights of all blocks of a pretrained network as a safetensors file, named as in a backbone.

    Raises:
        ZooError: They are not on this computer.
    """
    from safetensors.torch import save

    from core.model.pretrained_backbone import backbone_weights

    return save({name: tensor.contiguous() for name, tensor in backbone_weights(network).items()})


def loading(spec: ModelSpec) -> str:
    """Return the code of a script that loads the weights of a network's backbone; nothing where it has none."""
    first = spec.layers[0]
    return _LOADING.format(network=first.network, file=BACKBONE_WEIGHTS) if isinstance(first, Backbone) else ""


def features(config: TrainConfig) -> str:
    """Return the code that computes what frozen layers make of the images."""
    from core.train.features import BATCH

    names = ("backbone_in", "frozen_front", "_sequence", "_is_fixed")
    code = _FEATURES.format(splitting=listing("model/pretrained_backbone.py", names), batch=BATCH)
    return code if config.augmentation.active else code + "train_features = features_of(train_images)\n"
