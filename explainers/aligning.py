"""The steps of a sum over alignments: the alignments themselves, and the forward table that adds them up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flint import arb

from explainers.derivation import Alignments, Forward
from explainers.graph.evaluation import Values
from explainers.graph.exact import Known
from explainers.graph.nodes import AlignmentSum, Axis, Node, Occupancy, topological
from explainers.graph.paths import alignments, count, likeliest
from explainers.graph.tables import ForwardTable, Tables

MOST_LISTED = 16


def sums(item: Node) -> Iterator[AlignmentSum]:
    """The sums over alignments in an element of a loss."""
    for node in topological(item):
        if isinstance(node, AlignmentSum) and not isinstance(node, Occupancy):
            yield node


def aligned(
    item: Node, values: Values, at: Mapping[Axis, int], known: Known | None = None
) -> Iterator[Alignments | Forward]:
    """Both steps of each sum over alignments in an element of a loss, at its place; none for one without time steps."""
    for node in sums(item):
        if set(node.axes) <= set(at):
            tables = Tables(node, values, known)
            table = tables.at(at)
            if table is not None and table.cells:
                total = tables.total(at)
                total = arb(0) if total == arb("-inf") else total.exp()  # not a number is equal to nothing
                yield _listed(table, total)
                yield Forward(table, total)


def _listed(table: ForwardTable, total: arb) -> Alignments:
    many = count(table.states, len(table.cells))
    if many <= MOST_LISTED:
        paths = list(alignments(table.states, len(table.cells)))
        paths.sort(key=lambda path: table.product(path).mid(), reverse=True)
        return Alignments(table, many, tuple(paths), arb(0), total)
    best = likeliest(table.states, table.factors)
    return Alignments(table, many, (best,), table.others(best), total)
