"""The asker's language: gettext catalogues as a frozen value that is passed down, never a global."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


@dataclass(frozen=True)
class Translator:
    """Words of an explanation in one locale ("en", "ja", …); an unknown locale or message falls back to English."""

    locale: str = "en"
    domain: str = "explainers"
    folder: Path = Path(__file__).parent / "locales"

    @cached_property
    def _catalogue(self) -> NullTranslations:
        path = self.folder / self.locale / "LC_MESSAGES" / f"{self.domain}.po"
        if not path.is_file():
            return NullTranslations()
        compiled = BytesIO()
        with path.open("rb") as source:
            write_mo(compiled, read_po(source, locale=self.locale))
        compiled.seek(0)
        return GNUTranslations(compiled)

    def text(self, message: str, /, **named: object) -> str:
        """The message in this locale with its named placeholders filled in; KeyError where one has no value."""
        return self.text_of(message).format(**named)

    def text_of(self, message: str) -> str:
        """The message in this locale with its placeholders still in it."""
        return self._catalogue.gettext(message)

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
