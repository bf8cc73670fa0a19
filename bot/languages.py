"""The languages in which the bot speaks itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from explainers.locale import Translator

FOLDER: Final = Path(__file__).parent / "locales"
FALLBACK: Final = "en"


def translators() -> dict[str, Translator]:
    """What the bot says itself, in each language it is complete in."""
    folders = (path.name for path in FOLDER.iterdir() if (path / "LC_MESSAGES").is_dir())
    return {name: Translator(name, "bot", FOLDER).warm() for name in (FALLBACK, *folders)}
