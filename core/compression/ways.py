"""Options of compression: pruning methods, amounts and quantisation; imports no torch."""

from dataclasses import dataclass

from core.errors import ConfigError

MAX_AMOUNT = 0.99


@dataclass(frozen=True)
class PruningMethod:
    """A pruning method: its title, and what it does in a sentence."""

    title: str
    summary: str


PRUNINGS = {
    "weights": PruningMethod(
        "Smallest weights",
        "Sets the weights nearest to zero to zero, wherever in the network they are. Its shape stays, so a file gets "
        "smaller only once it is zipped, and dense arithmetic takes as long as before.",
    ),
    "layers": PruningMethod(
        "By layer",
        "Sets the smallest weights to zero as well, but the same share of each layer, so that none is emptied for "
        "having small numbers.",
    ),
    "filters": PruningMethod(
        "Whole filters",
        "Takes the filters with the smallest weights (L2 norm) out of every convolution, and cuts what the next layer "
        "read from them: a smaller network in file and in time.",
    ),
}


@dataclass(frozen=True)
class Pruning:
    """A pruning method and amount: `kind` is a key of `PRUNINGS`, `amount` a share from 0 to 0.99.

    Of "weights" and "layers" it is the share of all weights of convolutions and dense layers, biases not counted; of
    "filters" that of each convolution's filters, of which one always stays.

    Raises:
        ConfigError: One of these is out of its range.
    """

    kind: str = "weights"
    amount: float = 0.5

    def __post_init__(self) -> None:
        if self.kind not in PRUNINGS:
            raise ConfigError(f"There is no pruning {self.kind!r}: choose one of {', '.join(PRUNINGS)}.")
        if not isinstance(self.amount, float | int) or not 0 <= self.amount <= MAX_AMOUNT:
            raise ConfigError(
                f"The share to prune must be a number from 0 to {MAX_AMOUNT}, not {repr(self.amount)[:40]}."
            )

    def __str__(self) -> str:
        """Return it in words: "60% of the filters of each convolution pruned"."""
        what = {
            "weights": "the weights pruned, the smallest anywhere",
            "layers": "the weights of each layer pruned, the smallest",
            "filters": "the filters of each convolution pruned, the smallest",
        }
        return f"{self.amount:.0%} of {what[self.kind]}"


@dataclass(frozen=True)
class CompressionPlan:
    """A compression plan: what is pruned, if anything, and whether the network is then quantised to int8."""

    pruning: Pruning | None = None
    int8: bool = False

    def __str__(self) -> str:
        """Return it in words: "60% of the weights of each layer pruned, the smallest; in int8"."""
        parts = [str(self.pruning)] if self.pruning and self.pruning.amount else []
        return "; ".join([*parts, *(["in int8"] if self.int8 else [])]) or "nothing changed"
