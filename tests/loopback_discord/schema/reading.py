"""Bodies read as typed values: what does not fit its type or its limit is refused at its place."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from tests.loopback_discord.refusals import InvalidForm

T = TypeVar("T")

_PLACE: Final = re.compile(r"(.*?)(?: - at `(?:key in )?\$?(.*)`)?", re.DOTALL)
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")


def fitted(body: Any, kind: type[T]) -> T:
    """The body as a `kind`; raises InvalidForm at the place that does not fit."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        found = _PLACE.fullmatch(str(error))
        reason, place = (found[1], found[2] or "") if found else (str(error), "")
        path = tuple(key or int(index.replace("...", "0")) for key, index in _STEP.findall(place))
        raise InvalidForm(path, reason) from None
