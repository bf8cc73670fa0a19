"""The languages in which the bot speaks itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from explainers.locale import Translator, available

FOLDER: Final = Path(__file__).parent / "locales"
FALLBACK: Final = "en"


def spoken(locale: str) -> bool:
    """Whether the locale, or the language of it, is one that the bot speaks."""
    return bool({locale, locale.partition("-")[0]} & set(available(FOLDER)))


def translators() -> dict[str, Translator]:
    """What the bot says itself, in each language it is complete in."""
    return {name: Translator(name, "bot", FOLDER).warm() for name in available(FOLDER)}
