"""The language of a message, told from its prose without code."""

import functools
import re

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LANGUAGES = ("en", "ja", "zh", "es", "fr", "de", "ko", "pt", "ru", "hi")

_LATIN_WORD = re.compile(r"[A-Za-z0-9_.:/@#()\[\]={}'\"+*<>|\\~^%$&-]+")
_CODE_WORD = re.compile(r"\S*[_()\[\]={}/\\<>|@#$%^&*+~0-9]\S*|\S*[a-z][A-Z]\S*|\b[A-Z]{2,}\w*|\S+\.\S+")


@functools.cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(LANGUAGES))
    return identifier


def warm() -> None:
    """Load the model now: later no file can be opened."""
    _identifier()


def language_of(prose: str) -> str:
    """ISO 639-1 code, "en" where there is nothing to tell by.

    Names of losses are English in every language: where another script is written, only that is judged.
    """
    foreign = _LATIN_WORD.sub(" ", prose)
    letters = sum(c.isalpha() for c in foreign if ord(c) > 0x2FF)
    if letters >= 3 and 4 * letters >= sum(c.isalpha() for c in prose) // 2:
        return _identifier().classify(foreign)[0]
    words = _CODE_WORD.sub(" ", prose).strip()
    return _identifier().classify(words)[0] if any(c.isalpha() for c in words) else "en"
