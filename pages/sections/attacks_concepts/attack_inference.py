"""What attacks make of pictures, kept for all sessions: a key is the network, the pixels and the attack."""

from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import TYPE_CHECKING

from core.explain.methods.base import Method
from core.inference.network import Network
from core.progress import Progress
from pages.shared.network import inference
from pages.shared.picture import input_image
from pages.shared.shell.background_jobs import background

if TYPE_CHECKING:
    from core.explain.attacks import Attack, AttackOutcome, AttackResult
    from core.explain.attribution import Attribution

NUM_RANDOM_CHANGES = 8  # changes of the same size that an attack is compared with
Compared = tuple["AttackResult", int]  # and how many random changes turn the answer as well


def attacked(network: Network, picture: input_image.InputImage, attack_config: "Attack") -> Compared | None:
    """Return the attacked picture and how many of `NUM_RANDOM_CHANGES` turn the answer too; None while it is computed.

    Raises:
        ConvScopeError: The network cannot be loaded, or the picture cannot be attacked.
    """
    _ = network.model, network.statistics  # what is wrong with these is said here
    return background(
        ("attack", network.cache_key, picture.digest, astuple(attack_config)),
        lambda tell: _compare(network, picture, attack_config, tell),
        words="Attacking",
        place="attack",
    )


def _compare(network: Network, picture: input_image.InputImage, attack_config: "Attack", tell: Progress) -> Compared:
    from core.explain.attacks import attack, random_changes
    from core.inference.prediction import predict

    result = attack(network.model, picture.tensor(), *network.statistics, attack_config, progress=tell)
    answers = predict(network.model, network.normalize(random_changes(result, NUM_RANDOM_CHANGES))).argmax(dim=1)
    return result, int((answers != result.before.argmax()).sum())


def as_picture(picture: input_image.InputImage, result: "AttackResult") -> input_image.InputImage:
    """Return an attacked picture as one that networks can be asked about."""
    title = f"{picture.title}, attacked"
    return replace(picture, title=title, pixels=result.pixels.numpy().tobytes())


def explained(
    network: Network, pictures: Sequence[input_image.InputImage], target: int, method: Method
) -> "list[Attribution] | None":
    """Explain one class of several pictures; None while it is being done.

    Raises:
        ConvScopeError: The method cannot explain one of them.
    """

    def work(tell: Progress) -> "list[Attribution]":
        attributions = []
        for before, picture in enumerate(pictures):

            def told(done: int, total: int, before: int = before) -> None:
                tell(before * total + done, len(pictures) * total)

            attributions.append(inference.attribution(network, picture, target, method.name, progress=told))
        return attributions

    passes = len(pictures) * method.passes(method.resolve({}), pictures[0].shape)
    key = (network.cache_key, *(picture.digest for picture in pictures), target, method.name)
    return background(("explained", *key), work, words=f"{passes:,} passes", place="attack_explained")


def growing(
    network: Network, picture: input_image.InputImage, attack_config: "Attack"
) -> "tuple[AttackOutcome, ...] | None":
    """Return attacks of growing strength, up to the first that succeeds; None before that was asked for and is done.

    Raises:
        ConvScopeError: As in `attacked`.
    """
    from core.explain.attacks import LENGTHS, STRENGTHS, growing_attacks

    model, statistics = network.model, network.statistics
    strengths = LENGTHS if attack_config.norm == "l2" else STRENGTHS
    weakest = replace(attack_config, strength=strengths[0])  # its own strength does not matter

    def work(tell: Progress) -> "tuple[AttackOutcome, ...]":
        results = growing_attacks(model, picture.tensor(), *statistics, weakest, strengths, progress=tell)
        return tuple(each.outcome for each in results)  # without their pictures, of which many would be kept

    return background(
        ("smallest", network.cache_key, picture.digest, astuple(weakest)),
        work,
        words="Trying growing strengths",
        place="smallest",
        ask="Find the smallest strength that turns the answer",
    )
