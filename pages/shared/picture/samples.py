"""The pictures that come with the app, one click away."""

from dataclasses import dataclass
from functools import cache
from io import BytesIO

from PIL import ImageOps

from core.assets import ASSETS
from core.data.images import decode_image
from pages.shared.display.thumbnails import Thumbnail, thumbnails
from pages.shared.shell import session


@dataclass(frozen=True)
class Sample:
    """One picture that comes with the app.

    Attributes:
        title: Its name on the screen.
        subject: What it shows: the name of a class where a data set has one for it.
        also: Other names of classes that are no less right: ImageNet's.
    """

    title: str
    subject: str
    also: tuple[str, ...] = ()


# By the names of their files; those are letters and dashes.
SAMPLES = {
    "three-on-paper": Sample("Three", "3"),
    "cat": Sample("Cat", "cat", ("tabby", "tiger cat", "Egyptian cat")),
    "rocket": Sample("Rocket", "rocket", ("missile", "projectile")),
    "coffee": Sample("Coffee", "cup of coffee", ("espresso", "cup", "coffee mug")),
    "astronaut": Sample("Astronaut", "person"),
}


def sample_file(name: str) -> bytes:
    """Return the file of a sample of `SAMPLES`."""
    return (ASSETS / "samples" / f"{name}.jpg").read_bytes()


def choose_sample(choice: session.PictureSelection, name: str) -> session.PictureSelection:
    """Return the choice of a sample in place of another picture."""
    return session.PictureSelection("sample", name, index=choice.index)


def sample_row(choice: session.PictureSelection) -> None:
    """Show all samples; a click chooses one."""

    def take(name: str) -> None:
        session.choose(choose_sample(choice, name.replace("_", "-")))

    row = {name.replace("-", "_"): Thumbnail(sample.title, _small(name)) for name, sample in SAMPLES.items()}
    chosen = choice.name.replace("-", "_") if choice.kind == "sample" else None
    thumbnails(row, key="sample", on_click=take, chosen=chosen, side=66)


@cache  # as long as the app runs, for everybody: its own files stay as they are
def _small(name: str) -> bytes:
    file = BytesIO()
    ImageOps.fit(decode_image(sample_file(name)), (144, 144)).save(file, "JPEG", quality=80)
    return file.getvalue()
