"""Numbers as text for the screen, with a true minus sign (U+2212): values, durations, percentages, shapes, sizes."""

from collections.abc import Sequence


def number(value: float, digits: int = 3) -> str:
    """Return a value with so many significant digits: "−0.0123", "1,230", "1.2e−7"."""
    text = f"{value:.{digits}g}"
    if "e" in text:
        mantissa, power = text.split("e")
        text = f"{float(text):,.0f}" if 0 < int(power) < 6 else f"{mantissa}e{int(power)}"
    return text.replace("-", "−")


def counted(number: int, what: str) -> str:
    """Say how many there are: "1 file", "1,200 files"."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def formatted(value: float, spec: str = "") -> str:
    """Return `format(value, spec)` with a true minus sign, none before a zero: "−0.50", "0.00", "+1.2"."""
    text = format(value, spec)
    return text.replace("-", "" if set(text) <= set("-0.,%") else "−")


def duration(seconds: float) -> str:
    """Return a time span in words: "8 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def share(probability: float) -> str:
    """Return a probability as a percentage that never claims certainty: "98.2%", "< 0.1%", "> 99.9%"."""
    if probability < 0.001:
        return "< 0.1%"
    return "> 99.9%" if probability > 0.999 else f"{probability:.1%}"


def percentage(value: float | None) -> str:
    """Return a measured share with one decimal, which may be all: "97.4%", "100.0%"; "–" where there is none."""
    return "–" if value is None else f"{value:.1%}"


def confidence(probability: float) -> str:
    """Return a probability in few letters that never claim certainty: "88%", "> 99%"."""
    return "> 99%" if probability > 0.995 else f"{probability:.0%}"


def percentage_points(change: float) -> str:
    """Return the difference of two shares in percentage points: "+12.3", "−0.4", "±0"."""
    points = round(100 * change, 1)
    return formatted(points, "+.1f") if points else "±0"


def p_value(value: float) -> str:
    """Return a p-value with two significant digits: "0.034", "< 0.001"."""
    return "< 0.001" if value < 0.001 else number(value, 2)


def dimensions(shape: Sequence[int], times: str = " × ") -> str:
    """Return a shape in words: "32 × 28 × 28"."""
    return times.join(map(str, shape))


def byte_size(count: int) -> str:
    """Return a size in words: "4.59 MB", "12.3 kB"."""
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def large_number(value: int) -> str:
    """Return a big number in three digits: "3.61 M"."""
    for power, unit in ((9, "G"), (6, "M"), (3, "k")):
        if value >= 10**power:
            return f"{value / 10**power:.3g} {unit}"
    return str(value)
