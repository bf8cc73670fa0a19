"""The formula of a composition in the forms that a derivation needs: normal, named, split into elements, derived."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from explainers.composition import Composition
from explainers.graph import ops
from explainers.graph.deciding import branches, decided
from explainers.graph.derivative import gradient, gradient_over
from explainers.graph.evaluation import Values
from explainers.graph.nodes import Axes, Binary, Input, Node, Sum, Unary, topological
from explainers.graph.plain_backward import without_plain_backward
from explainers.graph.rewrites import rules
from explainers.graph.rewriting import Rewriter
from explainers.lettering import lettered, quantity_letters, spare_letters
from explainers.quantities import quantities, scores, shared, size, with_names, worthwhile

LONGEST_ROOT = 5000
_LONGEST_CALL = 16
_SPARE = 4


@dataclass(frozen=True)
class Split:
    """A loss as elements over some axes: their sum, over `divisor` where it is a mean."""

    item: Node
    over: Axes
    divisor: Node | None


@dataclass(frozen=True)
class Forms:
    """A composition in normal form, with the derivative of that form and of the program as it ran.

    `rewriter` made the normal form: another graph over the same inputs is the same formula if it makes it the same
    node. `named` is the form that is shown: over the quantities that the program names, whose letters `names` tells.
    `cut` says that a side of a branch on real numbers is left out, since none of these numbers takes it.
    """

    composition: Composition
    root: Node
    named: Node
    names: Mapping[str, str]
    gradients: Mapping[Input, Node]
    as_run: Mapping[Input, Node]
    rewriter: Rewriter
    cut: bool = False


def forms(
    composition: Composition,
    values: Values,
    real: Collection[int],
    wrt: Sequence[int],
    rewriter: Rewriter | None = None,
) -> Forms:
    """The normal form of a composition, branches decided, and its gradients; its inputs under letters that are clear.

    `real` names the tensors whose gradient is computed, `wrt` those whose gradient is shown as a formula, in the order
    in which they are shown.
    """
    composition, rewriter = lettered(composition), rewriter or Rewriter(rules())
    settled = decided(composition.root, values)
    root = _normal(settled, rewriter)
    floats = tuple(a.node for id, a in composition.inputs.items() if id in real and isinstance(a.node, Input))
    asked = sorted((x for x in floats if x.tensor in wrt), key=lambda x: wrt.index(x.tensor))
    known = {x: interned for x in asked if isinstance(interned := rewriter.rewrite(x), Input)}
    as_run = gradient(composition.root, floats)
    if size(root) > LONGEST_ROOT:
        return Forms(composition, root, root, {}, {x: as_run[x] for x in asked}, as_run, rewriter)
    named, names = _named(composition, root, values, rewriter)
    as_torch = rewriter.rewrite(settled)  # whose own backward may be the shorter formula
    ways = [
        gradient_over(composition.root.axes, form, tuple(known.values()))
        for form in dict.fromkeys((named, root, as_torch))
    ]

    cut = [branches(settled) < branches(composition.root)]

    def normal(slope: Node) -> Node:
        known = decided(slope, values)
        cut.append(branches(known) < branches(slope))
        plain = rewriter.rewrite(known)
        return rewriter.rewrite(decided(plain, values))  # where a quotient of two alike has come about

    shown = {x: min((normal(inner[interned]) for inner in ways), key=size) for x, interned in known.items()}
    return Forms(composition, root, named, names, shown, as_run, rewriter, any(cut))


def _normal(root: Node, rewriter: Rewriter) -> Node:
    """The normal form: a backward that is the derivative hides nothing from a rewrite, nor a rewrite it."""
    return without_plain_backward(rewriter.rewrite(without_plain_backward(root, rewriter)), rewriter)


def _named(composition: Composition, root: Node, values: Values, rewriter: Rewriter) -> tuple[Node, dict[str, str]]:
    """The normal form over the quantities that are worth a line, and what the program calls those."""
    inputs = {a.node.symbol for a in composition.inputs.values() if isinstance(a.node, Input)}

    if len(composition.calls) < 2:
        if size(splitted(root).item) <= _LONGEST_CALL:
            return root, {}
        spare = spare_letters(inputs, _SPARE)
        letters = dict(zip(scores(composition.root), spare, strict=False))
        whole = _normal(decided(with_names(composition.root, letters), values), rewriter)
        return rewriter.rewrite(shared(whole, splitted(whole).item, spare[len(letters) :])), {}
    letters, names = quantity_letters(composition)
    whole = _normal(decided(with_names(composition.root, letters), values), rewriter)
    whole = _normal(worthwhile(whole, splitted(whole).item), rewriter)
    whole = rewriter.rewrite(shared(whole, splitted(whole).item, spare_letters(inputs | set(letters.values()), _SPARE)))
    held = {n.name for n in quantities(whole)}
    return whole, {letter: name for letter, name in names.items() if letter in held}


def splitted(root: Node) -> Split:
    """Σ item / divisor, Σ item, or the root as its own elements."""
    match root:
        case _ if root.axes:
            return Split(root, (), None)
        case Binary("div", Sum(item, over), divisor) if not _is_length(divisor):
            return Split(item, over, divisor)
        case Sum(item, over):
            return Split(item, over, None)
        case Unary("neg", x) if (inner := splitted(x)).over:
            return Split(ops.neg(inner.item), inner.over, inner.divisor)
        case _:
            return Split(root, (), None)


def _is_length(divisor: Node) -> bool:
    """Whether a divisor holds roots or powers, as the lengths of vectors do: it is no number that elements share."""
    return any(
        (isinstance(n, Unary) and n.op in ("sqrt", "rsqrt")) or (isinstance(n, Binary) and n.op == "pow")
        for n in topological(divisor)
    )


def symbols(found: Forms) -> frozenset[str]:
    """The letters of the inputs, which no index may have."""
    return frozenset(a.node.symbol for a in found.composition.inputs.values() if isinstance(a.node, Input))
