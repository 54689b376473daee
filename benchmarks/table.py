"""Printing measurements: median, spread and ratio, never a single number."""

import platform
import statistics
from collections.abc import Mapping, Sequence


def print_table(title: str, unit: str, samples: Mapping[str, Sequence[float]], *, against: str | None = None) -> None:
    """Print median, minimum and maximum of each row, and the median of its paired ratios to the row `against`."""
    print(f"\n{title} ({unit}), {platform.machine()}, Python {platform.python_version()}")
    print(f"{'':34s}{'median':>10s}{'min':>10s}{'max':>10s}" + (f"   ratio to {against}" if against else ""))
    for name, values in samples.items():
        line = f"{name:34s}{statistics.median(values):10.4g}{min(values):10.4g}{max(values):10.4g}"
        if against:
            ratios = [value / base for value, base in zip(values, samples[against], strict=True)]
            line += f"   {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        print(line)
