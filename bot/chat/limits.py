"""Discord's limits on what a bot sends, in characters unless they say otherwise."""

from typing import Final

CONTENT: Final = 2000
"""Of a message without components."""

LAYOUT_TEXT: Final = 4000
"""Of all texts of a message made of components."""

ALT_TEXT: Final = 1024
MODAL_TEXT: Final = 4000
FILES: Final = 10
FILE_BYTES: Final = 10 * 2**20
"""Where an interaction does not say more."""

CHOICES: Final = 25
"""Of an autocompletion."""


def width(text: str) -> int:
    """The length as Discord may count it: characters beyond the basic plane twice."""
    return len(text.encode("utf-16-le")) // 2


def clipped(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis, of at most `most` characters."""
    if width(text) <= most:
        return text
    return text.encode("utf-16-le")[: 2 * (most - 1)].decode("utf-16-le", errors="ignore").rstrip() + "…"
