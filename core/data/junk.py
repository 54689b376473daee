"""What file managers leave in archives, which nobody packed on purpose."""

_NAMES = ("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "#recycle")


def is_junk(path: str) -> bool:
    """Say whether a path in an archive, parts joined by "/", is hidden or left there by a file manager."""
    return any((part.startswith(".") and part not in (".", "..")) or part.lower() in _NAMES for part in path.split("/"))
