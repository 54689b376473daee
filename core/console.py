"""What commands print, on consoles of any encoding."""

import sys
from io import TextIOWrapper


def replace_unprintable() -> None:
    """Have standard output show "?" for letters that its encoding lacks, where Python would raise UnicodeEncodeError.

    For the beginning of a command: names that people gave may hold any letter. Standard error is like that already.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
