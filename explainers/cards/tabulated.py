"""A block as rows of texts: what a picture shows in space, said in order."""

from __future__ import annotations

from typing import assert_never

from explainers.cards.card import Bars, Block, Curve, Facts, Grid, Table, Text


def tabulated(block: Block) -> tuple[tuple[Text, ...], ...]:
    """The rows of a block, a table's head first; a curve has the point that it marks, its note and its caption."""
    match block:
        case Table(head=head, rows=rows):
            return (head, *rows)
        case Bars(rows=rows):
            return tuple(((bar.label,), (bar.text,)) for bar in rows)
        case Curve(mark=mark, note=note, caption=caption):
            return tuple((text,) for text in ((mark.text,) if mark else (), note, caption) if text)
        case Grid():
            return _grid_rows(block)
        case Facts(rows=rows):
            return rows
        case _:
            assert_never(block)


def _grid_rows(grid: Grid) -> tuple[tuple[Text, ...], ...]:
    head: list[tuple[Text, ...]] = []
    if grid.column_labels:
        corner: tuple[Text, ...] = (("",),) if grid.row_labels else ()
        head.append((*corner, *((label,) for label in grid.column_labels)))
    rows: list[tuple[Text, ...]] = []
    for place, row in enumerate(grid.rows):
        label = grid.row_labels[place : place + 1] if grid.row_labels else ()
        rows.append(tuple((cell,) for cell in (*label, *row)))
    return (*head, *rows, *(((grid.note,),) if grid.note else ()))
