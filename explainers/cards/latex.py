"""The derivation as a LaTeX file that compiles: with any engine for Latin text, with LuaLaTeX for Japanese."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from explainers.cards.card import Block, Card, Chain, Code, Math, Step, Strong, Text, Toned
from explainers.cards.fonts import Coverage
from explainers.cards.formulas import laid_out
from explainers.cards.latex_printer import LINE_END, RELATIONS, escaped, latex_math
from explainers.cards.tabulated import tabulated
from explainers.cards.typeset import Typesetter
from explainers.cards.words import Words
from explainers.locale import Translator

_FIRST_CJK = 0x2E80
_PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage{amsmath,amssymb,xcolor}
\newcommand{\target}[1]{\textcolor[HTML]{0B7F54}{#1}}
\newcommand{\loss}[1]{\textcolor[HTML]{B45F00}{#1}}
\newcommand{\logit}[1]{\textcolor[HTML]{2F5BD3}{#1}}
\newcommand{\bad}[1]{\textcolor[HTML]{C62F4B}{#1}}
\newcommand{\muted}[1]{\textcolor[HTML]{6A6F7B}{#1}}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
\begin{document}"""


@dataclass(frozen=True)
class LatexWriter:
    """Spells texts, chains and blocks; sums have their bounds."""

    words: Words
    typeset: Typesetter

    def text(self, text: Text) -> str:
        return "".join(map(self._segment, text))

    def _segment(self, segment: str | Strong | Toned | Code | Math) -> str:
        match segment:
            case str():
                return escaped(segment)
            case Strong(text=text):
                return f"\\textbf{{{escaped(text)}}}"
            case Toned(text=text, role=role):
                return f"\\{role.value}{{{escaped(text)}}}"
            case Code(text=text):
                return f"\\texttt{{{escaped(text)}}}"
            case Math(formula=formula):
                return f"${' '.join(self._chain(formula))}$"
            case _:
                assert_never(segment)

    def _chain(self, formula: Any) -> list[str]:
        """The left side, then each relation with what follows it."""
        said = self.words.conditions
        if not isinstance(formula, Chain):
            return [latex_math(self.typeset(formula), said)]
        line = laid_out(formula, self.typeset)
        parts = [f"{RELATIONS[relation]} {latex_math(part, said)}" for relation, part in line.parts]
        if line.lhs is not None:
            return [latex_math(line.lhs, said), *parts]
        return [latex_math(line.parts[0][1], said), *parts[1:]] if line.parts else []

    def display(self, chain: Chain) -> str:
        """Aligned at the relations, one line each; raises `typeset.Unprintable`."""
        head, *parts = self._chain(chain) or [""]
        body = f"{LINE_END}\n  ".join(f"&{part}" for part in parts)
        return f"\\begin{{align*}}\n  {head} {body}\n\\end{{align*}}"

    def block(self, block: Block) -> str:
        rows = [" & ".join(self.text(cell) for cell in row) for row in tabulated(block)]
        wide = max((len(row) for row in tabulated(block)), default=0)
        if not wide:
            return ""
        body = f"{LINE_END}\n  ".join(rows)
        return f"{self.text(block.title)}\n\n\\begin{{tabular}}{{l{'r' * (wide - 1)}}}\n  {body}\n\\end{{tabular}}"

    def step(self, step: Step) -> Iterator[str]:
        yield f"\\subsection*{{{self.text(step.title)}}}"
        if step.body:
            yield self.text(step.body)
        if step.formula:
            yield self.display(step.formula)
        if step.extra:
            yield self.block(step.extra)


def latex_document(card: Card, translator: Translator, coverage: Coverage) -> str:
    """A whole file; characters that no font of the cards has are named instead. Raises `typeset.Unprintable`."""
    writer = LatexWriter(Words(translator), Typesetter(card.colours))
    lines = "\n\n".join(part for part in _parts(card, writer) if part).split("\n")
    body = "\n".join(coverage.drawable(line) for line in lines)
    if any(ord(letter) >= _FIRST_CJK for letter in body):
        engine, packages = "% lualatex derivation.tex", "\n\\usepackage{luatexja}"
    else:
        engine, packages = "% pdflatex derivation.tex (or lualatex, xelatex)", ""
    preamble = _PREAMBLE.replace("{article}", f"{{article}}{packages}", 1)
    return f"{engine}\n{preamble}\n\n{body}\n\n\\end{{document}}\n"


def _parts(card: Card, writer: LatexWriter) -> Iterator[str]:
    yield f"\\section*{{{writer.text(card.title)}}}"
    yield f"\\texttt{{{escaped(card.code)}}}" if card.code else ""
    yield f"{escaped(card.value.label)}: \\textbf{{{escaped(card.value.text)}}}"
    yield writer.text(card.takeaway)
    for step in card.steps:
        yield from writer.step(step)
    if card.caution:
        yield f"\\textit{{{escaped(writer.words.caution)}:}} {writer.text(card.caution)}"
    yield writer.text(card.footer)
