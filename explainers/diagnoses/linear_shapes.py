"""linear_cross_entropy's own matrix and bias, where their sizes are not those of the input and the classes."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, modules_around
from explainers.diagnoses.wording import shape
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\n\nx = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\n"
_MATRIX = _HEAD + "y = torch.tensor([0, 1])\nm = torch.arange(12.0).reshape(3, 4).cos()\n"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="linear-features-differ",
            family="linear-shapes",
            title=said("The weights of linear_cross_entropy do not fit the features"),
            explanation=said(
                "linear_cross_entropy multiplies the input (…, features) by a linear_weight of shape "
                "(classes, features), as nn.Linear stores it, and adds a linear_bias of shape (classes,)."
            ),
            words=("expected equal input and linear_weight last dimensions", "expected linear_bias shape"),
            losses=frozenset({"linear_cross_entropy"}),
            trigger=_differs,
            positive=_MATRIX + "F.linear_cross_entropy(x, m, y)",
            control=_MATRIX + "F.linear_cross_entropy(x, m.T, y)",
            concern="exception",
            dominates=frozenset({"batch-sizes-differ", "ce-target-column", "arguments-do-not-fit"}),
        ),
    )


def _differs(scene: Scene) -> Suspicion | None:
    x, weight = scene.given("input").shape, scene.given("linear_weight").shape
    if not x or not weight:
        return None
    if len(weight) == 1:
        return _no_matrix(scene, x, weight)
    if x[-1] != weight[-1]:
        return _features(scene, x, weight)
    if len(weight) != 2:
        return None
    bias = scene.tensor("linear_bias")
    return None if bias is None or bias.shape == weight[:1] else _bias(scene, bias.shape, weight[0])


def _no_matrix(scene: Scene, x: tuple[int, ...], weight: tuple[int, ...]) -> Suspicion:
    """A single row of weights: one class, or a matrix that was flattened."""
    name, rows = known_as(scene, "linear_weight"), weight[0] // x[-1] if x[-1] and weight[0] % x[-1] == 0 else 0
    note = said("Give a matrix with one row per class and one column per feature.")
    changed = replaced(scene, linear_weight=f"{{}}.reshape({rows}, {x[-1]})") if rows else None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} has shape {given}: for {first} of shape {shape} it has to be {wanted}.", name=name,
                     given=shape(weight), first=known_as(scene, "input"), shape=shape(x), wanted=f"(C, {x[-1]})"),
        evidence=(said("{name} has shape {shape}: a single row of numbers.", name=name, shape=shape(weight)),),
        trials=(),
        fix=fixes.fix(scene, changed, "likely", note),
    )  # fmt: skip


def _features(scene: Scene, x: tuple[int, ...], weight: tuple[int, ...]) -> Suspicion:
    names = {"name": known_as(scene, "input"), "weight": known_as(scene, "linear_weight")}
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} has {features} features on its last axis, but {weight} of shape {shape} wants {wanted}.",
            features=x[-1],
            shape=shape(weight),
            wanted=weight[-1],
            **names,
        ),
        evidence=(
            said(
                "{name} is {dtype} of shape {shape}.",
                name=names["name"],
                dtype=scene.given("input").dtype,
                shape=shape(x),
            ),
        ),
        trials=(),
        fix=_turned(scene, x, weight),
    )


def _built_again(scene: Scene, source: Source, sizes: str) -> str | None:
    """The program with a module of these sizes, and new weights, in the place of one that was built elsewhere."""
    node = source.at(scene.call.span)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    return source.replaced(source.piece(node.func), f"nn.LinearCrossEntropyLoss({sizes})")


def _turned(scene: Scene, x: tuple[int, ...], weight: tuple[int, ...]) -> Fix:
    further = weight[2:]
    if further and further[-1] == 1 and weight[-2] == x[-1]:
        note = said("Take the axis of length 1 away.")
        return fixes.fix(scene, replaced(scene, linear_weight="{}.squeeze(-1)"), "likely", note)
    if weight[0] == x[-1]:
        note = said("Turn the matrix: one row per class.")
        return fixes.fix(scene, replaced(scene, linear_weight="{}.T"), "likely", note)
    target = scene.tensor("target")
    if len(x) == 2 and x[0] == weight[-1] and target is not None and target.shape[:1] == (x[1],):
        note = said("Turn the input: one row per item.")
        return fixes.fix(scene, replaced(scene, input="{}.T"), "likely", note)
    dtype = scene.given("linear_weight").dtype
    sizes = ", ".join(map(str, (*weight[:-1], x[-1])))
    like = f"torch.zeros({sizes})" if dtype == "float32" else f"torch.zeros({sizes}, dtype=torch.{dtype})"
    if modules_around(scene.call) and len(weight) == 2:
        again = _built_again(scene, Source(scene.recording.source), f"{x[-1]}, {weight[0]}")
        return fixes.fix(scene, again, "likely", said("Build it for as many features as the input has."))
    note = said("Pass your own {names}: what stands there only has its shape and dtype.", names="linear_weight")
    return fixes.fix(scene, replaced(scene, linear_weight=like), "choose", note)


def _bias(scene: Scene, bias: tuple[int, ...], classes: int) -> Suspicion:
    flat = bias in ((1, classes), (classes, 1))
    without = fixes.with_option(scene, scene.call, "linear_bias", None)
    changed = replaced(scene, linear_bias="{}.flatten()") if flat else without
    note = said("Give the bias as one dimension.") if flat else said("Give one bias per class, or none.")
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{name} has shape {shape}: there are {classes} classes, so it needs ({classes},).",
            name=known_as(scene, "linear_bias"),
            shape=shape(bias),
            classes=classes,
        ),
        evidence=(
            said(
                "{name} has shape {shape}: axis 0 counts the classes.",
                name=known_as(scene, "linear_weight"),
                shape=shape(scene.given("linear_weight").shape),
            ),
        ),
        trials=(),
        fix=fixes.fix(scene, changed, "safe" if flat else "choose", note),
    )
