"""The diagnosis of a run: rules over what was recorded name the symptom, the evidence and the remedy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.runs.records import Evidence, Metric, Run
from core.train.diagnosis import rules_data, rules_layers, rules_loss, rules_progress
from core.train.diagnosis.finding import Finding as Finding
from core.train.diagnosis.finding import Severity as Severity
from core.train.diagnosis.run_arrays import RunArrays, examine

Check = Callable[[RunArrays], Finding | None]


@dataclass(frozen=True)
class DiagnosisRule:
    """One thing that can be wrong with a training.

    Attributes:
        title: The symptom in a few words.
        summary: How it shows, in one sentence.
        check: Finds it in a run, or finds nothing.
        explains: Rules whose symptoms are only its consequences: they are not reported beside it.
    """

    title: str
    summary: str
    check: Check
    explains: tuple[str, ...] = ()


_STUCK = ("guessing", "low_rate", "unconverged")
_BROKEN = ("vanishing", "dead", *_STUCK, "labels", "few_images", "overfitting")

# Causes come before what follows from them.
RULES: dict[str, DiagnosisRule] = {
    "order": DiagnosisRule(
        "Images come class after class",
        "Batches are almost all right or almost all wrong, because each holds one class.",
        rules_data.order,
        ("inputs", "high_rate", "exploding", *_BROKEN),
    ),
    "inputs": DiagnosisRule(
        "Inputs not normalised",
        "The loss is far above that of guessing before anything was learned.",
        rules_loss.inputs,
        ("high_rate", "exploding", "vanishing", "dead", *_STUCK),
    ),
    "high_rate": DiagnosisRule(
        "Learning rate too high",
        "The loss leaps far above that of guessing, and often never comes back.",
        rules_loss.high_rate,
        ("exploding", *_BROKEN),
    ),
    "exploding": DiagnosisRule(
        "Exploding gradients",
        "The gradient of a network that was learning grows by orders of magnitude.",
        rules_loss.exploding,
        _BROKEN,
    ),
    "vanishing": DiagnosisRule(
        "Vanishing gradients",
        "The gradient all but fades out on its way back to the first layer.",
        rules_layers.vanishing,
        ("dead", *_STUCK, "labels"),  # what hardly moves is better at the end of an epoch than in the middle
    ),
    "dead": DiagnosisRule(
        "Dead units",
        "Most units of a layer answer all images alike.",
        rules_layers.dead,
        _STUCK,
    ),
    "low_rate": DiagnosisRule(
        "Learning rate too low",
        "The validation loss falls after every epoch, but hardly.",
        rules_progress.low_rate,
        ("guessing", "unconverged"),
    ),
    "guessing": DiagnosisRule(
        "No better than guessing",
        "The loss stays at that of a network that gives all classes the same chance.",
        rules_progress.guessing,
        ("unconverged",),
    ),
    "labels": DiagnosisRule(
        "Labels that cannot be learned",
        "The network is better on images it never saw than on those it learns from.",
        rules_data.labels,
        ("few_images", "overfitting", "unconverged"),
    ),
    "few_images": DiagnosisRule(
        "Too few images",
        "A small training set is known by heart while other images are not.",
        rules_data.few_images,
        ("overfitting", "unconverged"),
    ),
    "overfitting": DiagnosisRule(
        "Overfitting",
        "The validation loss rises while the training loss goes on falling.",
        rules_data.overfitting,
        ("unconverged",),
    ),
    "unconverged": DiagnosisRule(
        "Not yet converged",
        "The training ended while the validation loss was still falling fast.",
        rules_progress.unconverged,
    ),
}


def diagnose(
    run: Run, metrics: Sequence[Metric], evidence: Sequence[Evidence], *, num_classes: int
) -> tuple[Finding, ...]:
    """Say what is wrong with a training, from what it recorded so far; nothing is a good sign.

    Args:
        run: The training.
        metrics: Its steps, in order; of a long one some may be left out, but none of the first thousand and none that
            ends an epoch.
        evidence: What was measured inside the network; only gradients and dead units are looked at.
        num_classes: Number of classes.

    Returns:
        The findings, the gravest first; of a symptom that another one explains, nothing is said.

    Raises:
        ConfigError: The settings of the run are those of another version.
    """
    if not metrics:
        return ()
    symptoms, findings, explained = examine(run, metrics, evidence, num_classes), [], set[str]()
    for key, rule in RULES.items():
        if key in explained:
            continue
        finding = rule.check(symptoms)
        if finding is not None:
            findings.append(finding)
            explained |= set(rule.explains)
    return tuple(sorted(findings, key=lambda finding: -finding.severity))
