"""The guess of the tour about the pixels that matter, worked out for the picture and the class on the page."""

from core.classroom.questions import Question
from core.classroom.tour import pixel_question
from core.inference.network import Network
from core.progress import Progress
from pages.shared.picture.input_image import InputImage
from pages.shared.shell.background_jobs import background


def pixels_guess(network: Network, picture: InputImage, target: int) -> Question | None:
    """Return the question, or draw how far its answer is and return None; call it inside a fragment."""

    def work(_: Progress) -> Question:
        return pixel_question(network, network.normalize(picture.tensor()), target)

    key = ("tour_pixels", *network.cache_key, picture.digest, target)
    return background(key, work, words="Asking it with and without these pixels", place="tour_pixels")
