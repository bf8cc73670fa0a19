"""Signs of an older torch in a message: how it printed tensors then, or the version that the asker names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from explainers.messages import Message, said

_PRINTED: Final = re.compile(r"\[torch\.(?:cuda\.)?\w*Tensor of size [\dx]+|\bVariable containing:")
_BEFORE_PRINTING_ANEW: Final = "0.3"
_NAMED: Final = re.compile(
    r"\b(?:py)?torch(?:[\s_]*version)?[\s:=v]*(?:is|on)?\s*v?([012]\.\d{1,2})(?:\.\d+)?(?![\d.]*\d)|"
    r"\b(?:in|on|with|since|version)\s+v?(0\.[1-4]\.\d|1\.\d{1,2}\.\d|1\.1[0-3]|2\.\d{1,2}\.\d)(?![.\d])",
    re.I,
)


def dated(text: str, torch: str) -> Iterator[Message]:
    """That the message is of an older torch than what runs here; nothing where it shows none."""
    version = _version(text)
    if version is not None and _parts(version) < _parts(torch):
        yield said(
            "Your message is of torch {older}; what I ran is torch {torch}, on a CPU. Where it gives you something "
            "else, this was changed or mended in newer versions since, or it is another device.",
            older=version,
            torch=torch,
        )


def _version(text: str) -> str | None:
    """The oldest version that the message shows."""
    named = (match[1] or match[2] for match in _NAMED.finditer(text))
    shown = (_BEFORE_PRINTING_ANEW,) if _PRINTED.search(text) else ()
    return min((*shown, *named), key=_parts, default=None)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
