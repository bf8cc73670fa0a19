"""A hand-written product of labels and logarithms whose shapes broadcast: every label meets every prediction."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, reshaped
from explainers.diagnoses.operands import atom, known_as, line_before, rewritten, written
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import shape, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\n\np = torch.tensor({})\ny = torch.tensor([1.0, 0.0, 1.0])\n"
_LOSS = "-(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="product-broadcast",
            family="shapes",
            title=said("Every label is multiplied with every prediction"),
            explanation=said(
                "A column (n, 1) and a row (n,) broadcast to (n, n): each label is multiplied with each prediction, "
                "and not with its own alone. The mean over all of it sees only the share of each label."
            ),
            words=(
                "hand-written bce differs from BCELoss",
                "custom loss shape (n, 1) and (n,)",
                "own cross entropy too large broadcasting",
            ),
            losses=frozenset(),
            about=frozenset({"binary_cross_entropy"}),
            trigger=_products,
            positive=_HEAD.format("[[0.9], [0.2], [0.7]]") + _LOSS,
            control=_HEAD.format("[0.9, 0.2, 0.7]") + _LOSS,
            dominates=frozenset({"own-computation-differs"}),
        ),
    )


def _products(scene: Scene) -> Suspicion | None:
    found = [(call, name) for call in scene.needed() if (name := _row(scene, call)) is not None]
    if not found:
        return None
    call, name = found[0]
    own, column = replace(scene, call=call), "other" if name == "input" else "input"
    first, second = own.given(column), own.given(name)
    edits = (reshaped(c, n, replace(scene, call=c).given("other" if n == "input" else "input").shape) for c, n in found)
    return Suspicion(
        at=call.index,
        verdict=said(
            "{value} multiplies {pairs} pairs, not {items}: {column} {first} and {row} {second} broadcast to {both}.",
            value=stated(scene), pairs=first.elements * second.elements, items=first.elements,
            column=known_as(own, column), first=shape(first.shape), row=known_as(own, name),
            second=shape(second.shape), both=shape((first.elements, second.elements)),
        ),
        evidence=(said("The product is that in line {line}.", line=line_of(call)),),
        trials=(Trial(said("with the target reshaped to {shape}", shape=shape(first.shape)), graph_rerun(*edits)),),
        fix=fixes.fix(scene, _as_column(own, name, found), "likely",
                      said("Give both the same shape before the product.")),
    )  # fmt: skip


def _row(scene: Scene, call: Call) -> str | None:
    """The operand of a product that is a row (n,) where the other one is a column (n, 1)."""
    if short(call) != "mul" or len(call.inputs()) != 2:
        return None
    shapes = {a.name: scene.recording.tensors[id].shape for a in call.arguments if (id := call.ref(a.name)) is not None}
    for name, other in (("input", "other"), ("other", "input")):
        one, two = shapes.get(name, ()), shapes.get(other, ())
        if len(one) == 1 and one[0] > 1 and two == (one[0], 1):
            return name
    return None


def _as_column(scene: Scene, name: str, found: Sequence[tuple[Call, str]]) -> str | None:
    """The row as a column: in a line of its own where it is a variable, else in each of the products."""
    source, node = Source(scene.recording.source), written(scene, name)
    if isinstance(node, ast.Name):
        before = line_before(source, scene.call, f"{node.id} = {node.id}.unsqueeze(1)")
        if before is not None:
            return before
    rows = [(n, atom(source, n)) for c, each in found if (n := written(replace(scene, call=c), each)) is not None]
    pieces = {source.piece(row): f"{text}.unsqueeze(1)" for row, text in rows}
    return rewritten(source, list(pieces.items())) if pieces else None
