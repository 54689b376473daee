"""Makes the files of this folder: `python tests/exchange/keras/make.py`, with keras==3.15.0, torch and h5py.

Two small networks with random weights as Keras saves them, and in `logits.json` what Keras computes with them for the
images of `images_of`. The first is the tutorial's stack on 16×16 pixels; the second has one of each other layer.
"""

import json
import os
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def images_of(shape: tuple[int, int, int], largest: float) -> np.ndarray:
    """Return three images (3, H, W, C) with values from 0 to `largest`, float32."""
    return (np.random.default_rng(5).random((3, *shape)) * largest).astype(np.float32)


def main() -> None:
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    tutorial = keras.Sequential(
        [
            layers.Input((16, 16, 3)),
            layers.Conv2D(4, (3, 3), padding="same", activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(6, (3, 3), padding="same", activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(8, (3, 3), padding="same", activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(12, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    picture = layers.Input((13, 10, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(picture)
    x = layers.Conv2D(4, (3, 1), strides=2, padding="same", use_bias=False)(x)  # its border differs by side
    x = layers.BatchNormalization()(x)
    x = layers.LeakyReLU()(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x)
    x = keras.Sequential([layers.ZeroPadding2D(1), layers.SeparableConv2D(5, 3, activation="swish")], name="inner")(x)
    x = layers.AveragePooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.Dense(6, activation="tanh")(x)
    every = keras.Model(picture, layers.Dense(3, activation="softmax", name="answer")(x), name="every_kind")
    drawn, logits = np.random.default_rng(7), {}
    for name, model, largest in (("tutorial", tutorial, 1), ("every_kind", every, 255)):
        for weight in model.weights:  # fresh biases are all zero, fresh variances all one
            if weight.path.split("/")[-1] in ("bias", "beta", "moving_mean", "gamma", "moving_variance"):
                weight.assign(drawn.uniform(0.5, 1.5, weight.shape))
        model.save(HERE / f"{name}.keras")
        model.layers[-1].activation = keras.activations.linear
        answers = model.predict(images_of(model.input_shape[1:], largest), verbose=0)
        logits[name] = [[float(value) for value in row] for row in answers]
    every.layers[-1].activation = keras.activations.softmax
    every.save(HERE / "every_kind.h5")
    (HERE / "logits.json").write_text(json.dumps(logits, indent=1) + "\n")


if __name__ == "__main__":
    main()
