"""How a JPEG file is built: whether it can be decoded a few rows at a time."""

_FRAMES = range(0xC0, 0xD0)
_NO_FRAMES = (0xC4, 0xC8, 0xCC)  # tables that stand among them (ITU-T T.81, table B.1)
_SEQUENTIAL = (0xC0, 0xC1)
_SCAN, _END = 0xDA, 0xD9


def decodes_in_rows(data: bytes) -> bool:
    """Say whether a JPEG is sequential with all its components in one scan.

    Only then does a decoder hold a few rows at a time, so that opening it at an eighth of its size takes memory for
    that eighth; of any other kind it holds all coefficients, two bytes for each value of the whole picture.
    """
    place, components = 2, 0
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # fill bytes
            place += 1
            continue
        if marker in _FRAMES and marker not in _NO_FRAMES:
            if marker not in _SEQUENTIAL or place + 9 >= len(data):
                return False
            components = data[place + 9]
        elif marker == _SCAN:
            return components > 0 and data[place + 4] == components
        elif marker == _END:
            return False
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return False
