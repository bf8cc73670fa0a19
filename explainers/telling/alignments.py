"""Alignments and the forward table of CTC: a sum of products, and a picture of how it is added up."""

from __future__ import annotations

from collections.abc import Sequence

import sympy
from flint import arb

from explainers.cards.card import Chain, Grid, Math, Step, Table
from explainers.cards.notation import RelationSign
from explainers.derivation import Alignments, Forward
from explainers.graph import unevaluated as un
from explainers.graph.exact import middle_of
from explainers.graph.paths import usable
from explainers.graph.symbols import Elided
from explainers.graph.tables import ForwardTable
from explainers.locale import Translator
from explainers.messages import said
from explainers.telling.numbers import label, relation
from explainers.telling.texts import joined, text

BLANK = "ε"
MOST_IN_LINE = 3
MOST_FACTORS = 6
LONGEST_WORD = 12
WIDE, NARROW = (9, 8), (6, 5)
"""Rows and columns of the picture in a full derivation, and beside the steps of a card."""


def listing(step: Alignments, translator: Translator) -> Step:
    """The probability of the labels as that of each alignment, and all of them in a table."""
    names = {"count": step.count, "labels": _labels(step.table), "steps": len(step.table.cells)}
    title = said("{count} alignments say {labels} in {steps} time steps", **names)
    if step.count == 1:
        title = said("One alignment says {labels} in {steps} time steps", **names)
    if not step.count:
        title = said("No alignment says {labels} in {steps} time steps", **names)
    how = said(
        "An alignment has a label or the blank ({blank}) at each time step; without repeats and then without blanks it "
        "reads {labels}. Its probability is the product over the time steps.",
        blank=BLANK,
        **names,
    )
    extra = _products(step, translator) if step.listed else None
    return Step(text(title, translator), _added(step), text(how, translator), extra)


def _added(step: Alignments) -> Chain:
    """P(y) = P(·1) + P(11) + … ≈ 0.1 + 0.7 ≈ 0.8."""
    shown = step.listed[:MOST_IN_LINE]
    numbers = [step.table.product(path) for path in shown]
    left = sum((step.table.product(path) for path in step.listed[MOST_IN_LINE:]), step.rest)
    rest = step.count > len(shown)
    terms = [_probability(_word(path, step.table)) for path in shown] + ([Elided()] if rest else [])
    added = [label(middle_of(number)) for number in (*numbers, *([left] if rest else []))]
    parts: list[tuple[RelationSign, object]] = [("=", un.plus(terms)), ("≈", un.plus(added))] if terms else []
    total = middle_of(step.total)
    ending = (relation(step.total, total), label(total))
    return Chain(_probability(_labels(step.table)), (*(parts if len(added) > 1 else parts[:1]), ending))


def _products(step: Alignments, translator: Translator) -> Table:
    head = (said("alignment"), said("product"), said("probability"))
    rows = tuple(
        (
            (_word(path, step.table),),
            (Math(_product([row[s] for row, s in zip(step.table.factors, path, strict=True)])),),
            (Math(label(middle_of(step.table.product(path)))),),
        )
        for path in step.listed
    )
    if step.count > len(step.listed):
        others = said("{count} others", count=step.count - len(step.listed))
        rows = (*rows, (text(others, translator), ("",), (Math(label(middle_of(step.rest))),)))
    return Table(tuple(text(word, translator) for word in head), rows)


def _product(factors: Sequence[arb]) -> object:
    numbers = [label(middle_of(factor)) for factor in factors]
    if len(numbers) > MOST_FACTORS:
        numbers = [*numbers[: MOST_FACTORS - 2], Elided(), numbers[-1]]
    return un.times(*numbers) if len(numbers) > 1 else numbers[0]


def forward(step: Forward, translator: Translator) -> Step:
    """The rule by which the table is filled, and the table."""
    t, s = sympy.Symbol("t"), sympy.Symbol("s")
    earlier = un.minus(t, sympy.Integer(1))
    alpha, p = sympy.IndexedBase("alpha"), sympy.IndexedBase("p")
    ways = [sympy.Indexed(alpha, earlier, s if not k else un.minus(s, sympy.Integer(k))) for k in range(3)]
    said_by = sympy.IndexedBase("l")
    alike = un.call("delta", sympy.Indexed(said_by, s), sympy.Indexed(said_by, un.minus(s, sympy.Integer(2))))
    skipped = un.times(un.minus(sympy.Integer(1), alike), ways[2])
    rule = un.times(sympy.Indexed(p, t, s), un.plus([*ways[:2], skipped]))
    title = said("Forward table: all alignments up to step t that end in row s")
    body = said(
        "p is the probability that step t gives to l, what row s says; α above the first row is 0. δ is 1 where both "
        "rows say the same and 0 elsewhere: the last term counts only past a blank between two labels that differ."
    )
    chain = Chain(sympy.Indexed(alpha, t, s), (("=", rule),))
    return Step(text(title, translator), chain, text(body, translator), picture(step, translator), on_card=False)


def picture(step: Forward, translator: Translator, *, beside: bool = False) -> Grid:
    """The table with a row for each state and a column for each time step; cut to few of them where it is large."""
    table = step.table
    rows, columns = NARROW if beside else WIDE
    down, across = _kept(len(table.states), rows), _kept(len(table.cells), columns)
    longest = 6 if beside else 8
    open_ = usable(table.states, len(table.cells))
    places = {(i, j): (s, t) for i, s in enumerate(down) for j, t in enumerate(across)}
    known = {place: (s, t) for place, (s, t) in places.items() if s is not None and t is not None}
    last, ends = len(table.cells) - 1, range(max(0, len(table.states) - 2), len(table.states))
    total = label(middle_of(step.total))
    note = joined(
        translator,
        text(said("Shaded: where an alignment passes."), translator),
        text(said("The last two add up to {total}.", total=Math(total)), translator),
    )
    return Grid(
        title=text(said("Forward table (label by time step)"), translator),
        rows=tuple(
            tuple(_cell(table.cells[t][s], longest) if s is not None and t is not None else "…" for t in across)
            for s in down
        ),
        highlighted=frozenset(place for place, (s, t) in known.items() if open_[t][s]),
        marked=frozenset(place for place, (s, t) in known.items() if t == last and s in ends and open_[t][s]),
        row_labels=tuple("…" if s is None else _said(table.states[s], table) for s in down),
        column_labels=tuple("…" if t is None else f"t = {t}" if not t else str(t) for t in across),
        note=note,
    )


def _kept(count: int, most: int) -> list[int | None]:
    """The first places and the last two, None for those between."""
    return list(range(count)) if count <= most else [*range(most - 3), None, count - 2, count - 1]


def _cell(value: arb, longest: int) -> str:
    """Three digits, or as many as a picture of many numbers has room for."""
    texts = [f"{middle_of(value):.{digits}g}".replace("e-0", "e-") for digits in (3, 2, 1)]
    return "0" if value == 0 else next((text for text in texts if len(text) <= longest), texts[-1])


def _said(state: int, table: ForwardTable) -> str:
    return BLANK if state == table.blank else str(state)


def _word(path: Sequence[int], table: ForwardTable) -> str:
    """An alignment as it is written, ε1 for a blank and then a 1; the beginning of a long one."""
    words = [_said(table.states[s], table) for s in path]
    return _spelled(words) if len(words) <= LONGEST_WORD else _spelled([*words[: LONGEST_WORD - 1], "…"])


def _labels(table: ForwardTable) -> str:
    return _spelled([str(label) for label in table.states[1::2]]) or "∅"


def _spelled(words: Sequence[str]) -> str:
    return ("" if all(len(word) == 1 for word in words) else " ").join(words)


def _probability(word: str) -> object:
    return un.call("P", sympy.Symbol(word))
