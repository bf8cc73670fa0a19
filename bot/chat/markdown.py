"""Text as Discord shows it: words that stay as they are, code, quotations."""

from __future__ import annotations

import re
from typing import Final

from bot.chat.limits import clipped

_INLINE: Final = re.compile(
    r"[\\*~`|]"  # emphasis, code, spoilers
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis, at the edge of a word only
    r"|<(?=[@#:!/\w])"  # mentions, emoji, times
    r"|\[(?=[^\]\n]*\]\()"  # links
)
_LINE_START: Final = re.compile(r"^(?=\s*(?:#{1,3}|-#|>{1,3}|[-+])\s)(\s*)", re.MULTILINE)
_FENCE: Final = "```"
_BROKEN_FENCE: Final = "`\u200b``"
_QUOTED: Final = "> "


def plain(text: str) -> str:
    """The text, nothing of which is taken for markup."""
    return _LINE_START.sub(r"\1\\", _INLINE.sub(r"\\\g<0>", text))


def bold(text: str, most: int) -> str:
    """At most `most` characters of it, those that escape others among them."""
    return f"**{clipped(plain(text), most)}**"


def small(text: str) -> str:
    """Each line as what Discord calls subtext."""
    return "\n".join(f"-# {plain(line)}" for line in text.splitlines() if line.strip())


def block(text: str, most: int, language: str = "") -> str:
    """A block of code, at most `most` characters of it; a fence inside it is broken by a space of no width."""
    return f"{_FENCE}{language}\n{clipped(text.rstrip().replace(_FENCE, _BROKEN_FENCE), most)}\n{_FENCE}"


def quoted(text: str) -> str:
    """Every line quoted; `unquoted` gives the text back."""
    return "\n".join(_QUOTED + line for line in text.split("\n"))


def unquoted(text: str) -> str | None:
    """What the last quotation of the text holds; None where it ends without one."""
    lines = text.split("\n")
    first = next((n + 1 for n in range(len(lines) - 1, -1, -1) if not lines[n].startswith(_QUOTED.rstrip())), 0)
    quotation = [line[len(_QUOTED) :] if line.startswith(_QUOTED) else line[1:] for line in lines[first:]]
    return "\n".join(quotation) if quotation else None
