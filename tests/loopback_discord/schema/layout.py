"""Components that stand together: how many, how much text, whose ids, which pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from tests.loopback_discord.refusals import InvalidForm, Place
from tests.loopback_discord.schema import components as c

_NESTED: Final = 40
_TEXT: Final = 4000


def nested(parts: Sequence[Any], path: Place = ("components",)) -> Iterator[tuple[Any, Place]]:
    """Every component, at any depth, with where it is."""
    for at, part in enumerate(parts):
        here = (*path, at)
        yield part, here
        match part:
            case c.Section():
                yield from nested(part.components, (*here, "components"))
                yield part.accessory, (*here, "accessory")
            case c.ActionRow() | c.Container() | c.InputRow():
                yield from nested(part.components, (*here, "components"))
            case c.Label():
                yield part.component, (*here, "component")
            case _:
                pass


def check_components(parts: Sequence[c.TopLevel], *, v2: bool) -> None:
    """Raises InvalidForm for what the components break together."""
    everything = list(nested(parts))
    if not v2:
        _check_legacy(parts)
    if len(everything) > _NESTED:
        raise InvalidForm(("components",), f"at most {_NESTED} components, nested ones too")
    if sum(len(part.content) for part, _ in everything if isinstance(part, c.TextDisplay)) > _TEXT:
        raise InvalidForm(("components",), f"at most {_TEXT} characters of text in all")
    for part, path in everything:
        check_one(part, path)
    check_ids(everything)


def _check_legacy(parts: Sequence[c.TopLevel]) -> None:
    for at, part in enumerate(parts):
        if not isinstance(part, c.ActionRow):
            raise InvalidForm(("components", at), "only action rows without the components v2 flag")
    if len(parts) > 5:
        raise InvalidForm(("components",), "at most 5 action rows")


def check_ids(everything: Sequence[tuple[Any, Place]]) -> None:
    """Raises InvalidForm where two components have the same custom_id, or the same id."""
    for name in ("custom_id", "id"):
        seen: set[Any] = set()
        for part, path in everything:
            value = getattr(part, name, None)
            if value in seen and value not in {None, msgspec.UNSET, 0}:
                raise InvalidForm((*path, name), f"{name} is there twice: {value}")
            seen.add(value)


def check_one(part: Any, path: Place) -> None:
    """Raises InvalidForm for what one component's fields break together."""
    match part:
        case c.ActionRow() if len(part.components) > 1 and any(isinstance(each, c.Select) for each in part.components):
            raise InvalidForm((*path, "components"), "a select stands alone in its row")
        case c.Button():
            _check_button(part, path)
        case c.Several() if part.least > part.most:
            raise InvalidForm((*path, "min_values"), "min_values is above max_values")
        case c.StringSelect():
            _check_options(part, path)
        case _:
            pass


def _check_options(select: c.StringSelect, path: Place) -> None:
    values = [option.value for option in select.options]
    if len(set(values)) < len(values):
        raise InvalidForm((*path, "options"), "two options have the same value")
    if select.most > len(values):
        raise InvalidForm((*path, "max_values"), "more than there are options")
    if sum(bool(option.default) for option in select.options) > select.most:
        raise InvalidForm((*path, "options"), "more defaults than max_values")


def _check_button(button: c.Button, path: Place) -> None:
    link, premium = button.style == 5, button.style == 6
    if link != (button.url is not None):
        raise InvalidForm((*path, "url"), "a link button has a url, and no other has")
    if premium != (button.sku_id is not None):
        raise InvalidForm((*path, "sku_id"), "a premium button has a sku_id, and no other has")
    if (link or premium) == (button.custom_id is not None):
        raise InvalidForm((*path, "custom_id"), "a button has either custom_id, url or sku_id")
    if not premium and not button.label and button.emoji is None:
        raise InvalidForm((*path, "label"), "a button has a label or an emoji")
    if button.url is not None and not button.url.startswith(("http://", "https://", "discord://")):
        raise InvalidForm((*path, "url"), "not a well formed URL")


def shown_media(parts: Sequence[c.TopLevel]) -> Iterator[tuple[str, Place]]:
    """The addresses of every picture and file that the components show, with where they do."""
    for part, path in nested(parts):
        match part:
            case c.MediaGallery():
                for at, item in enumerate(part.items):
                    yield item.media.url, (*path, "items", at, "media", "url")
            case c.Thumbnail():
                yield part.media.url, (*path, "media", "url")
            case c.File():
                yield part.file.url, (*path, "file", "url")
            case _:
                pass
