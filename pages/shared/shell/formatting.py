"""Numbers as text: durations, percentages, shapes."""


def duration(seconds: float) -> str:
    """Write a time span: "8 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def share(probability: float) -> str:
    """Write a probability as a percentage that never claims certainty: "98.2%", "< 0.1%", "> 99.9%"."""
    if probability < 0.001:
        return "< 0.1%"
    return "> 99.9%" if probability > 0.999 else f"{probability:.1%}"


def dimensions(shape: tuple[int, ...]) -> str:
    """Write a shape: "32 × 28 × 28"."""
    return " × ".join(map(str, shape))
