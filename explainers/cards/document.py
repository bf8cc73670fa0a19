"""A Card as the JSON that the templates read: cleaned, capped texts and gated formulas, nothing that is parsed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from explainers.cards import room, ticks
from explainers.cards.card import (
    Bars,
    Block,
    Card,
    Chain,
    Code,
    Curve,
    Facts,
    Grid,
    Math,
    Segment,
    Step,
    Strong,
    Table,
    Text,
    Toned,
)
from explainers.cards.fonts import Coverage, breakable, columns, joint, shortened
from explainers.cards.formulas import inline, laid_out, variants
from explainers.cards.notation import Relation
from explainers.cards.typeset import Typesetter
from explainers.cards.words import Words

Json: TypeAlias = dict[str, Any]
_MOST_STEPS, _MOST_PANELS, _MOST_BARS, _MOST_ROWS, _MOST_COLUMNS, _MOST_POINTS = 16, 6, 8, 16, 8, 400


@dataclass(frozen=True)
class Writer:
    """Turns one card's values into JSON for one of the two templates; `full` prints sums with their bounds."""

    coverage: Coverage
    words: Words
    typeset: Typesetter
    full: bool

    def plain(self, text: str, limit: int) -> str:
        """Cleaned, at most `limit` columns, with places to break."""
        return breakable(shortened(self.coverage.drawable(text[: 8 * limit]), limit))

    def text(self, text: Text, limit: int) -> list[Any]:
        """Segments until `limit` columns are used up; "…" where some are left out."""
        shown: list[Any] = []
        before = ""
        for segment in text:
            if limit <= 0:
                return [*shown, "…"]
            words = "" if isinstance(segment, Math) else segment if isinstance(segment, str) else segment.text
            after = self.coverage.drawable(words[: 8 * limit])
            written, used = self._segment(segment, limit)
            shown += [*filter(None, (joint(before, after),)), written]
            before, limit = after, limit - used
        return shown

    def _segment(self, segment: Segment, limit: int) -> tuple[Any, int]:
        match segment:
            case str():
                return self._capped(segment, limit)
            case Strong(text=text):
                shown, used = self._capped(text, limit)
                return {"strong": shown}, used
            case Toned(text=text, role=role):
                shown, used = self._capped(text, limit)
                return {"toned": shown, "role": role.value}, used
            case Code(text=text):
                shown, used = self._capped(text, limit)
                return {"code": shown, "breaks": used > 32}, used
            case Math(formula=formula):
                return {"math": self._inline(formula)}, 12
            case _:
                assert_never(segment)

    def _capped(self, text: str, limit: int) -> tuple[str, int]:
        clean = self.coverage.drawable(text[: 8 * limit])
        used = columns(clean)
        if used <= limit:
            return breakable(clean), used
        while columns(clean) > limit:
            clean = clean[: min(len(clean) - 1, limit)]
        return breakable(clean) + "…", limit

    def _inline(self, formula: Any) -> str:
        if not isinstance(formula, Chain):
            return inline(self.typeset(formula), self.coverage)
        line = laid_out(formula, self.typeset)
        parts = list(line.parts)
        node = line.lhs if line.lhs is not None else parts.pop(0)[1]
        for relation, part in parts:
            node = Relation(node, relation, part)
        return inline(node, self.coverage)

    def block(self, block: Block) -> Json:
        match block:
            case Table():
                return self._table(block)
            case Bars(title=title, rows=rows):
                shown = [
                    {
                        "label": self.plain(row.label, 22), "share": _share(row.share),
                        "text": self.plain(row.text, 12), "highlighted": row.highlighted,
                    }
                    for row in rows[:_MOST_BARS]
                ]  # fmt: skip
                return {"kind": "bars", "title": self.text(title, 90), "rows": shown}
            case Curve():
                return self._curve(block)
            case Grid():
                return self._grid(block)
            case Facts(title=title, rows=rows):
                facts = [[self.text(what, 60), self.text(much, 40)] for what, much in rows[:_MOST_ROWS]]
                return {"kind": "facts", "title": self.text(title, 90), "rows": facts}
            case _:
                assert_never(block)

    def _table(self, table: Table) -> Json:
        width = min(_MOST_COLUMNS, len(table.head))
        rows = [[self.text(cell, 28) for cell in row[:width]] for row in table.rows[:_MOST_ROWS]]
        left_out = len(table.rows) - len(rows)
        if left_out:
            rows.append([[self.words.more_rows(left_out)], *([["…"]] * (width - 1))])
        head = [self.text(cell, 28) for cell in table.head[:width]]
        title = self.text(table.title, 90)
        return {"kind": "table", "title": title, "head": head, "rows": rows, "highlighted": table.highlighted}

    def _grid(self, grid: Grid) -> Json:
        wide = max((len(row) for row in grid.rows), default=0)
        down, across = _places(len(grid.rows)), _places(wide)
        rows = [
            [self._cell(grid, i, j) for j in across]
            for i in down
        ]  # fmt: skip
        return {
            "kind": "grid", "title": self.text(grid.title, 90), "rows": rows, "role": grid.role.value,
            "note": self.text(grid.note, 90), "across": self._labels(grid.column_labels, across),
            "down": self._labels(grid.row_labels, down),
        }  # fmt: skip

    def _cell(self, grid: Grid, i: int | None, j: int | None) -> Json:
        known = i is not None and j is not None and j < len(grid.rows[i])
        text = grid.rows[i][j] if known and i is not None and j is not None else "…"
        text = f"−{text[1:]}" if text.startswith("-") else text
        return {"text": self.plain(text, 9), "highlighted": (i, j) in grid.highlighted, "marked": (i, j) in grid.marked}

    def _labels(self, labels: tuple[str, ...], places: list[int | None]) -> list[str]:
        if not labels:
            return []
        return ["…" if i is None else self.plain(labels[i], 10) if i < len(labels) else "" for i in places]

    def _curve(self, curve: Curve) -> Json:
        points = curve.points[:: max(1, math.ceil(len(curve.points) / _MOST_POINTS))]
        mark = curve.mark if curve.mark and math.isfinite(curve.mark.x) and math.isfinite(curve.mark.y) else None
        marked = [(mark.x, mark.y)] if mark else []
        across = ticks.axis((x for x, y in (*points, *marked) if math.isfinite(y)), 5, widen=False)
        up = ticks.axis((y for _, y in (*points, *marked)), 3, widen=True)
        return {
            "kind": "curve", "title": self.text(curve.title, 90), "note": self.text(curve.note, 60),
            "caption": self.text(curve.caption, 160),
            "runs": [[[_place(x, across), _place(y, up)] for x, y in run] for run in _finite_runs(points)],
            "mark": mark and {
                "x": _place(mark.x, across), "y": _place(mark.y, up), "text": self.plain(mark.text, 18),
            },
            "across": [[_place(at, across), label] for at, label in across.ticks],
            "up": [[_place(at, up), label] for at, label in up.ticks],
        }  # fmt: skip

    def step(self, step: Step) -> Json:
        formula = [] if step.formula is None else variants(step.formula, self.typeset, self.coverage)
        written: Json = {"title": self.text(step.title, 160), "formula": formula}
        if self.full:
            written["body"] = self.text(step.body, 900)
            written["extra"] = None if step.extra is None else self.block(step.extra)
        return written


def document(card: Card, coverage: Coverage, words: Words, full: bool) -> Json:
    """Everything that a template needs of a card; raises `typeset.Unprintable` for a formula without a rule."""
    writer = Writer(coverage, words, Typesetter(card.colours, short=not full), full)
    steps = [step for step in card.steps if full or step.on_card][:_MOST_STEPS]
    data: dict[str, Any] = {
        "locale": _language(card.locale), "theme": card.theme, "words": words.template_words(len(card.steps)),
        "code": writer.plain(card.code, 400) if full else shortened(coverage.drawable(card.code), 84),
        "title": writer.text(card.title, 160), "takeaway": writer.text(card.takeaway, 900 if full else 420),
        "value": {
            "label": writer.plain(card.value.label, 24), "text": shortened(coverage.drawable(card.value.text), 24),
            "role": card.value.role.value,
        },
        "steps": [writer.step(step) for step in steps],
        "arrival": max((k for k, step in enumerate(steps) if step.arrives), default=-1),
        "panels": [writer.block(panel) for panel in (card.beside if full else card.panels)[:_MOST_PANELS]],
        "fix": [[line.sign, shortened(coverage.drawable(line.text), 76)] for line in card.fix[:24]],
        "checks": [writer.plain(check, 40) for check in card.checks[:8]],
        "caution": writer.text(card.caution, 900 if full else 160), "footer": writer.text(card.footer, 300),
        "measured": False,
    }  # fmt: skip
    return data if full else {**data, "plans": room.written(len(steps)), "start": room.likely(data)}


def _language(locale: str) -> str:
    """The two or three letters that Typst takes as a language."""
    head = locale.replace("_", "-").partition("-")[0].lower()
    return head if head.isascii() and head.isalpha() and 2 <= len(head) <= 3 else "en"


def _share(share: float) -> float:
    return min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0


def _places(count: int) -> list[int | None]:
    return list(range(count)) if count <= _MOST_COLUMNS else [*range(_MOST_COLUMNS - 2), None, count - 1]


def _place(value: float, axis: ticks.Axis) -> float:
    """Where on the axis, in 0 … 1."""
    return min(max((value - axis.low) / (axis.high - axis.low), 0.0), 1.0)


def _finite_runs(points: Iterable[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if math.isfinite(x) and math.isfinite(y):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) > 1]
