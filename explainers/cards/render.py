"""Card → PNG, with the Typst compiler in this process.

Reads only this package's folder and writes nowhere: the compiler's root is the folder of our own fonts (Typst insists
that its root exists, and a package can't carry an empty folder), it knows no packages and no system fonts.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Literal, TypeAlias

import typst

from explainers.cards import fonts
from explainers.cards.card import Card
from explainers.cards.document import Json, document
from explainers.cards.words import Words
from explainers.locale import available, translator

Layout: TypeAlias = Literal["card", "full"]
FOLDER = Path(__file__).parent
PPI = 144
NOWHERE = "/nonexistent"


class DrawingFailed(RuntimeError):
    """Typst refused a card or gave more than the one page that it must have."""


class Renderer:
    """Draws cards; safe to share between threads, each of which gets a compiler of its own (they can't be shared).

    Do not fork a process after its first `draw`: the compiler's threads do not survive it.
    """

    def __init__(self) -> None:
        self._fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(fonts.FOLDER)])
        self.coverage = fonts.Coverage.shipped()
        blocks = (FOLDER / "blocks.typ").read_bytes()
        self.templates = {layout: blocks + (FOLDER / f"{layout}.typ").read_bytes() for layout in ("card", "full")}
        self._words = {locale: Words(translator(locale)) for locale in available()}
        self._own = threading.local()

    def draw(self, card: Card) -> bytes:
        """The answer card as a PNG of 1100 × 700 pixels; raises `DrawingFailed`, or `typeset.Unprintable`."""
        return self._compile(card, "card")

    def draw_full(self, card: Card) -> bytes:
        """The full derivation as a PNG 1100 pixels wide; raises as `draw` does."""
        return self._compile(card, "full")

    def source(self, card: Card) -> tuple[bytes, Json]:
        """The template and the data that an answer card is drawn from."""
        return self.templates["card"], document(card, self.coverage, self.words(card.locale), full=False)

    def words(self, locale: str) -> Words:
        """Our own words in this locale, in its language, or in English."""
        return self._words.get(locale) or self._words.get(locale.partition("-")[0]) or self._words["en"]

    def _compile(self, card: Card, layout: Layout) -> bytes:
        data = document(card, self.coverage, self.words(card.locale), full=layout == "full")
        pages = self._pages(layout, data)
        if len(pages) > 1 and not data["measured"]:
            pages = self._pages(layout, {**data, "measured": True})
        if len(pages) != 1:
            raise DrawingFailed(f"the {layout} took {len(pages)} pages instead of one")
        return pages[0]

    def _pages(self, layout: Layout, data: Json) -> list[bytes]:
        inputs = {"card": json.dumps(data, ensure_ascii=False)}
        try:
            pages = self.compiler().compile(self.templates[layout], format="png", ppi=PPI, sys_inputs=inputs)
        except typst.TypstError as error:
            raise DrawingFailed(f"typst refused the {layout}: {error}") from error
        return pages if isinstance(pages, list) else [pages or b""]

    def compiler(self) -> typst.Compiler:
        """This thread's own."""
        compiler: typst.Compiler | None = getattr(self._own, "compiler", None)
        if compiler is None:
            compiler = typst.Compiler(
                root=str(fonts.FOLDER), font_paths=self._fonts, package_path=NOWHERE, package_cache_path=NOWHERE
            )
            self._own.compiler = compiler
        return compiler
