"""The training images that lie nearest to a picture in the eyes of the network."""

import streamlit as st

from core.inference.network import Network
from pages.sections.classify.reliability import known_near, nearest_training_images
from pages.shared.display.image_cards import Card, cards
from pages.shared.network import inference
from pages.shared.network.missing_images import missing_images
from pages.shared.picture import input_image
from pages.shared.picture.pixels import enlarged, shown
from pages.shared.shell.section import Section

SIDE = 112


def nearest_section(weights: Network, picture: input_image.InputImage, *_: int) -> None:
    """Show the nearest training images, once they have been looked at for this network."""
    found = known_near(weights)
    if found is None:
        st.caption("They come with what is computed above.")
        return
    near = nearest_training_images(weights, found, picture)
    if not near:
        st.caption("This network does not end in a dense layer, so no images are near in it.")
        return
    data, answer = weights.dataset(), int(inference.logits(weights, picture).argmax())
    cards(
        [
            Card(
                title=data.class_names[image.label],
                note=f"{'✓' if image.label == answer else '✗'} {image.cosine:.3f}",
                words=f"Training image {image.index}, {data.class_names[image.label]}, likeness {image.cosine:.3f}",
                pictures=(enlarged(shown(data.train.images[image.index].numpy()), SIDE),),
            )
            for image in near
        ]
    )
    agree = sum(image.label == answer for image in near)
    st.caption(
        f"{agree} of {len(near)} have the class that the network answers (✓). Of {len(found.labels):,} training "
        "images, those whose numbers before the last layer point most nearly the same way: 1 is the same direction "
        "(cosine). If even these look nothing like your picture, its answer has little to stand on."
    )


SECTION = Section(
    "nearest",
    "Nearest training images",
    nearest_section,
    why_not=lambda weights, *_: weights.why_no_images,
    instead=lambda _, weights, *__: missing_images(
        weights, "nearest_", consequence="They are not known here.", offer_picture=False
    ),
)
