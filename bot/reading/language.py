"""The language of a message, told from its prose without code, else from what comes with it."""

import functools
import re
from collections.abc import Iterable

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LANGUAGES = ("en", "ja", "zh", "es", "fr", "de", "ko", "pt", "ru", "hi", "ar")
DECIMAL_COMMA = frozenset(("es", "fr", "de", "pt", "ru"))
"""Those that write 0,5 for 0.5."""

SURE = 0.6
"""Below this probability, words without any accent are taken to be English."""

_CODE_WORD = re.compile(r"[`_()\[\]{}=/\\<>|@#$%^&*+~0-9]|[a-z][A-Z]|[A-Z]{2}|\.\w")
_CALLED = re.compile(r"(?<=\.)[A-Za-z]\w*|[A-Za-z]\w*(?=\()")


@functools.cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier


def warm() -> None:
    """Load the model now: later no file can be opened."""
    _identifier()


def language_of(texts: Iterable[str], code: str = "") -> str:
    """ISO 639-1 code of the first of the texts that has words, "en" where none has: a message may be all code.

    Names of losses are English in every language: where another script is written, only that is judged, and the names
    that the message's code calls are no words of a language.
    """
    called = frozenset(word.lower() for word in _CALLED.findall(code))
    return next((language for text in texts if (language := _told(text, called))), "en")


def _told(prose: str, called: frozenset[str]) -> str | None:
    foreign = "".join(c if ord(c) > 0x7F else " " for c in prose)
    letters = sum(c.isalpha() for c in foreign if ord(c) > 0x2FF)
    if letters >= 3 and 8 * letters >= sum(c.isalpha() for c in prose):
        return _identifier().classify(foreign)[0]
    words = " ".join(
        word for word in prose.split() if not _CODE_WORD.search(word) and word.strip(".,:;!?\"'").lower() not in called
    )
    if not any(c.isalpha() for c in words):
        return None
    language, probability = _identifier().classify(words)
    return "en" if words.isascii() and probability < SURE else language
