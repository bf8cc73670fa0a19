"""Bodies read as typed values: what does not fit its type or its limit is refused at its place."""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from tests.loopback_discord.refusals import InvalidForm, Place

T = TypeVar("T")

_PLACE: Final = re.compile(r"(.*?)(?: - at `(?:key in )?\$?(.*)`)?", re.DOTALL)
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+|\.\.\.)\]")


def fitted(body: Any, kind: type[T]) -> T:
    """The body as a `kind`; raises InvalidForm at the place that does not fit."""
    _check_typed(body, ())
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        found = _PLACE.fullmatch(str(error))
        reason, place = (found[1], found[2] or "") if found else (str(error), "")
        path = tuple(key or int(index.replace("...", "0")) for key, index in _STEP.findall(place))
        raise InvalidForm(path, reason) from None


def _check_typed(value: Any, path: Place) -> None:
    """Raises InvalidForm for a component that does not say which: msgspec takes it where only one kind may stand."""
    if isinstance(value, list):
        for at, each in enumerate(value):
            _check_typed(each, (*path, at))
    elif isinstance(value, dict):
        if _is_component(path) and "type" not in value:
            raise InvalidForm((*path, "type"), "This field is required")
        for key, each in value.items():
            _check_typed(each, (*path, key))


def _is_component(path: Place) -> bool:
    return path[-1:] in {("component",), ("accessory",)} or path[-2:-1] == ("components",)
