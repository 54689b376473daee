"""Numbers as text for the screen, with a true minus sign (U+2212)."""


def number(value: float, digits: int = 3) -> str:
    """Return a value with so many significant digits: "−0.0123", "1,230", "1.2e−7"."""
    text = f"{value:.{digits}g}"
    if "e" in text:
        mantissa, power = text.split("e")
        text = f"{float(text):,.0f}" if 0 < int(power) < 6 else f"{mantissa}e{int(power)}"
    return text.replace("-", "−")


def formatted(value: float, spec: str = "") -> str:
    """Return `format(value, spec)` with a true minus sign, none before a zero: "−0.50", "0.00", "+1.2"."""
    text = format(value, spec)
    return text.replace("-", "" if set(text) <= set("-0.,%") else "−")
