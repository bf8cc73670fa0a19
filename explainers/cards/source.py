"""The derivation as files to keep: LaTeX that compiles, Python that runs, and plain text."""

from __future__ import annotations

from pathlib import Path

from explainers.cards.card import Card
from explainers.cards.fonts import Coverage
from explainers.cards.latex import latex_document
from explainers.cards.plain import plain_text
from explainers.locale import Translator


def write_source(directory: Path, card: Card, twin: str, translator: Translator) -> tuple[Path, Path, Path]:
    """Write derivation.tex, derivation.py (`twin`, a runnable script) and derivation.txt; makes the directory.

    Raises OSError where the directory can't be written, `typeset.Unprintable` before anything is written.
    """
    contents = {
        "derivation.tex": latex_document(card, translator, Coverage.shipped()),
        "derivation.py": twin,
        "derivation.txt": plain_text(card, translator),
    }
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (directory / name).write_text(text, encoding="utf-8")
    return directory / "derivation.tex", directory / "derivation.py", directory / "derivation.txt"
