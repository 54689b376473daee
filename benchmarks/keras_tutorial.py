"""The tutorial's own script in Keras, an epoch at a time: run by `benchmarks.tutorial` in an environment of its own.

It speaks over stdin and stdout: an epoch for every line that comes in, then its seconds, validation included.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def network(num_classes: int) -> keras.Model:
    """Return the tutorial's network: 32-64-128 convolutions with pooling, a dense layer of 512, softmax."""
    model = keras.Sequential([layers.Input((32, 32, 3))])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, (3, 3), activation="relu", padding="same"))
        model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(512, activation="relu"))
    model.add(layers.Dense(num_classes, activation="softmax"))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    folder, threads, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(seed)
    with np.load(folder / "images.npz") as arrays:
        images = {
            name: arrays[name].transpose(0, 2, 3, 1).astype("float32") / 255 for name in ("train", "valid", "test")
        }
        labels = {name: keras.utils.to_categorical(arrays[f"{name}_labels"]) for name in images}
    model = network(labels["train"].shape[1])
    assert model.count_params() == 1_147_466
    for _ in sys.stdin:
        began = time.perf_counter()
        history = model.fit(
            images["train"],
            labels["train"],
            epochs=1,
            batch_size=64,
            validation_data=(images["valid"], labels["valid"]),
            verbose=0,
        ).history
        seconds = time.perf_counter() - began
        test = model.evaluate(images["test"], labels["test"], verbose=0)[1] if "--test" in sys.argv else None
        print(json.dumps({"seconds": seconds, "valid": history["val_accuracy"][-1], "test": test}), flush=True)


if __name__ == "__main__":
    main()
