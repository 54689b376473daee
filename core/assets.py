"""Files that come with ConvScope, in the folder `assets`: sample pictures, the digits, a network's weights."""

import hashlib
from pathlib import Path

from core.errors import StorageError

ASSETS = Path(__file__).parents[1] / "assets"


def read_asset(name: str, sha256: str) -> bytes:
    """Return the bytes of a file that comes with ConvScope.

    Args:
        name: Its path below `ASSETS`, with slashes.
        sha256: Its checksum in hexadecimal digits, or the beginning of it.

    Raises:
        StorageError: The file is missing or is not the one that belongs there.
    """
    try:
        content = ASSETS.joinpath(*name.split("/")).read_bytes()
    except OSError as error:
        raise StorageError(f"{_OF_CONVSCOPE.format(name)} cannot be read ({error.strerror}): {_REMEDY}") from error
    if not hashlib.sha256(content).hexdigest().startswith(sha256):
        raise StorageError(f"{_OF_CONVSCOPE.format(name)} is damaged: {_REMEDY}")
    return content


_OF_CONVSCOPE = "The file assets/{} of ConvScope"
_REMEDY = "copy it again from where ConvScope came from."
