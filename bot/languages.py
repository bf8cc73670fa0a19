"""The languages in which the bot speaks itself."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

from explainers.locale import Translator, available

FOLDER: Final = Path(__file__).parent / "locales"
FALLBACK: Final = "en"


def spoken(locale: str, known: Collection[str]) -> str | None:
    """The locale ("pt-BR"), or the language of it, where it is among those known."""
    return next((name for name in (locale, locale.partition("-")[0]) if name in known), None)


def nearest(locale: str | None, known: Collection[str]) -> str:
    """The language that is spoken to who has this locale: its own where it is known, else the fallback."""
    return spoken(locale or FALLBACK, known) or FALLBACK


def translators() -> dict[str, Translator]:
    """What the bot says itself, by language; English stands where one is not complete."""
    return {name: Translator(name, "bot", FOLDER).warm() for name in available(FOLDER)}
