"""The asker's language: gettext catalogues as a frozen value that is passed down, never a global."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

_ENTRY: Final = re.compile(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"(?:\n|\Z))+)', re.MULTILINE)
_ESCAPED: Final = re.compile(r"\\(.)")
_MEANT: Final = MappingProxyType({"n": "\n", "t": "\t"})


@dataclass(frozen=True)
class Translator:
    """Words of an explanation in one locale ("en", "ja", …); an unknown locale or message falls back to English."""

    locale: str = "en"
    domain: str = "explainers"
    folder: Path = Path(__file__).parent / "locales"

    @cached_property
    def _catalogue(self) -> Mapping[str, str]:
        path = self.folder / self.locale / "LC_MESSAGES" / f"{self.domain}.po"
        return messages(path.read_text(encoding="utf-8")) if path.is_file() else MappingProxyType({})

    def text(self, message: str, /, **named: object) -> str:
        """The message in this locale with its named placeholders filled in; KeyError where one has no value."""
        return self.text_of(message).format(**named)

    def text_of(self, message: str) -> str:
        """The message in this locale with its placeholders still in it."""
        return self._catalogue.get(message, message)

    def warm(self) -> Translator:
        """Read the catalogue now, so that a locked process need not open it later."""
        self._catalogue  # noqa: B018 - a cached property, read for its effect
        return self


@cache
def translator(locale: str) -> Translator:
    """The translator of a locale, its catalogue read once in the life of the process."""
    return Translator(locale).warm()


def available(folder: Path = Path(__file__).parent / "locales") -> tuple[str, ...]:
    """Locales with a catalogue, English first."""
    return (
        "en",
        *sorted(path.name for path in folder.iterdir() if (path / "LC_MESSAGES").is_dir() and path.name != "en"),
    )


def messages(catalogue: str) -> Mapping[str, str]:
    """The messages of a gettext catalogue, without plurals and contexts, each with its translation where it has one.

    A tenth of a second for ten catalogues, where compiling them first takes seconds, which every start would pay.
    """
    pairs = ((_joined(message), _joined(text)) for message, text in _ENTRY.findall(catalogue))
    return MappingProxyType({message: text for message, text in pairs if message and text})


def _joined(lines: str) -> str:
    """A string that is written on one line or on several."""
    text = "".join(line[1:-1] for line in lines.split("\n"))
    return _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), text) if "\\" in text else text
