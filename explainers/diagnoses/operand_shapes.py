"""Products, new shapes, joins and axes that the sizes of their operands do not allow."""

from __future__ import annotations

import ast
import math

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced, tensors
from explainers.diagnoses.scene import Scene, is_library_loss
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import shape
from explainers.messages import said
from explainers.recording import Items, Tensor

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
Shape = tuple[int, ...]
_PRODUCTS = frozenset({"matmul", "mm", "bmm", "mv", "dot", "linear", "addmm"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="matmul-sizes",
            family="operand-shapes",
            title=said("The inner sizes of a matrix product differ"),
            explanation=said(
                "Each row of the first factor is multiplied with each column of the second, so the last axis of the "
                "first has to be as long as the first axis of the second; nn.Linear wants its in_features there."
            ),
            words=("mat1 and mat2 shapes cannot be multiplied", "size mismatch matmul", "in_features"),
            losses=_PRODUCTS,
            trigger=_matmul,
            positive=_HEAD + "x = torch.arange(12.0).reshape(3, 4)\nw = torch.ones(2, 4)\n(x @ w).mean()",
            control=_HEAD + "x = torch.arange(12.0).reshape(3, 4)\nw = torch.ones(4, 2)\n(x @ w).mean()",
            concern="exception",
        ),
        Rule(
            slug="reshape-impossible",
            family="operand-shapes",
            title=said("A new shape does not hold the same elements"),
            explanation=said(
                "view and reshape only lay out the elements that there are: the product of the sizes stays the same. "
                "view also needs them to lie in memory in that order; reshape copies where they do not."
            ),
            words=("is invalid for input of size", "view size is not compatible", "use .reshape instead"),
            losses=frozenset({"view", "reshape", "unflatten"}),
            trigger=_reshape,
            positive=_HEAD + "x = torch.arange(6.0).reshape(2, 3)\nx.t().view(6).mean()",
            control=_HEAD + "x = torch.arange(6.0).reshape(2, 3)\nx.view(6).mean()",
            concern="exception",
        ),
        Rule(
            slug="join-sizes",
            family="operand-shapes",
            title=said("Tensors that are joined differ in shape"),
            explanation=said(
                "cat puts tensors behind each other along one axis, so all others have to agree; stack makes a new "
                "axis, so all have to."
            ),
            words=("Sizes of tensors must match except in dimension", "stack expects each tensor to be equal size"),
            losses=frozenset({"cat", "stack", "hstack", "vstack"}),
            trigger=_join,
            positive=_HEAD + "a = torch.ones(2, 3)\nb = torch.zeros(2, 1)\ntorch.cat([a, b]).mean()",
            control=_HEAD + "a = torch.ones(2, 3)\nb = torch.zeros(2, 1)\ntorch.cat([a, b], dim=1).mean()",
            concern="exception",
        ),
        Rule(
            slug="no-such-axis",
            family="operand-shapes",
            title=said("An axis is named that the tensor does not have"),
            explanation=said("A tensor of k dimensions has the axes 0 to k − 1, or −k to −1 counted from the last."),
            words=("Dimension out of range", "expected to be in range of", "dim does not exist"),
            losses=frozenset(),
            trigger=_no_such_axis,
            positive=_HEAD + "logits = torch.tensor([2.0, 0.5, -1.0])\n-F.log_softmax(logits, dim=1)[0]",
            control=_HEAD + "logits = torch.tensor([2.0, 0.5, -1.0])\n-F.log_softmax(logits, dim=0)[0]",
            concern="exception",
        ),
    )  # fmt: skip


def _matmul(scene: Scene) -> Suspicion | None:
    first, second = _factors(scene)
    if first is None or second is None:
        return None
    x, y = scene.given(first).shape, scene.given(second).shape
    inner = y[-1] if scene.name == "linear" or len(y) == 1 else y[-2]
    if not x or x[-1] == inner:
        return None
    a, b = known_as(scene, first), known_as(scene, second)
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "the last axis of {a} is {x}, but {b} of shape {shape} wants {inner} there.",
            a=a,
            x=x[-1],
            b=b,
            shape=shape(y),
            inner=inner,
        ),
        evidence=(said("{a} has shape {x}, {b} has shape {y}.", a=a, x=shape(x), b=b, y=shape(y)),),
        trials=(),
        fix=fixes.fix(scene, _multiplied(scene, first, second, x, y), "choose",
                      said("Make the inner sizes equal: turn a factor, or give the layer another in_features.")),
    )  # fmt: skip


def _factors(scene: Scene) -> tuple[str | None, str | None]:
    names = [k for k in tensors(scene) if k != "bias"]
    if scene.name == "addmm":
        names = names[1:]
    return (names[0], names[1]) if len(names) > 1 else (None, None)


def _multiplied(scene: Scene, first: str, second: str, x: Shape, y: Shape) -> str | None:
    if scene.name == "linear":
        return _other_layer(scene, x[-1], y) or (replaced(scene, **{first: "{}.T"}) if _is(x, 2, 0, y[-1]) else None)
    if len(y) >= 2 and y[-1] == x[-1]:
        return replaced(scene, **{second: "{}.transpose(-2, -1)" if len(y) > 2 else "{}.T"})
    if len(x) == 2 and x[0] == y[-2 if len(y) > 1 else 0]:
        return replaced(scene, **{first: "{}.T"})
    return None


def _is(x: Shape, dimensions: int, axis: int, size: int) -> bool:
    return len(x) == dimensions and x[axis] == size


def _other_layer(scene: Scene, wanted: int, weight: Shape) -> str | None:
    """The one layer of the weight's sizes built with another number of inputs."""
    source = Source(scene.recording.source)
    layers = [c for c in source.constructors("Linear") if [_constant(a) for a in c.args[:2]] == [weight[1], weight[0]]]
    return source.replaced(source.piece(layers[0].args[0]), str(wanted)) if len(layers) == 1 else None


def _constant(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _reshape(scene: Scene) -> Suspicion | None:
    tensor, wanted = scene.given("input"), _sizes(scene)
    if wanted is None:
        return None
    elements = tensor.elements
    name, fits = known_as(scene, "input"), _fits(wanted, elements)
    verdict = (
        said("{name} does not lie in memory in the order that view needs.", name=name)
        if fits
        else said("{name} has {count} elements, and shape {shape} does not hold as many.",
                  name=name, count=elements, shape=shape(wanted))
    )  # fmt: skip
    return Suspicion(
        at=scene.call.index,
        verdict=verdict,
        evidence=(said("{name} has shape {shape}.", name=name, shape=shape(tensor.shape)),),
        trials=(),
        fix=fixes.fix(scene, _reshaped(scene, wanted, elements, fits), "safe" if fits else "choose",
                      said("Use reshape, which copies where it has to.") if fits
                      else said("Let one size be -1, so that torch computes it.")),
    )  # fmt: skip


def _sizes(scene: Scene) -> Shape | None:
    given = next((scene.call.argument(k) for k in ("size", "shape", "sizes") if scene.call.argument(k)), None)
    match given:
        case Items(_, items) if all(isinstance(n, int) for n in items):
            return tuple(n for n in items if isinstance(n, int))
        case int():
            return (given,)
        case _:
            return None


def _fits(wanted: Shape, elements: int) -> bool:
    known = math.prod(n for n in wanted if n != -1)
    return elements % known == 0 if -1 in wanted and known else known == elements


def _reshaped(scene: Scene, wanted: Shape, elements: int, fits: bool) -> str | None:
    source = Source(scene.recording.source)
    node = source.at(scene.call.span)
    if not isinstance(node, ast.Call):
        return None
    if fits:
        return source.replaced(source.function_name(node), "reshape")
    rest = math.prod(wanted[1:])
    sizes = node.args[0].elts if len(node.args) == 1 and isinstance(node.args[0], ast.Tuple | ast.List) else node.args
    if rest <= 0 or elements % rest or len(sizes) != len(wanted):
        return None
    return source.replaced(source.piece(sizes[0]), "-1")


def _join(scene: Scene) -> Suspicion | None:
    given = [scene.recording.tensors[id] for id in scene.call.inputs()]
    if len(given) < 2:
        return None
    odd = next((k for k, t in enumerate(given) if not _joins(scene, given[0].shape, t.shape)), None)
    if odd is None:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "tensor {k} has shape {shape}, which does not join the first of shape {first}.",
            k=odd,
            shape=shape(given[odd].shape),
            first=shape(given[0].shape),
        ),
        evidence=(said("The shapes are {shapes}.", shapes=", ".join(shape(t.shape) for t in given)),),
        trials=(),
        fix=fixes.fix(scene, _joined(scene, given), "likely", said("Join them along the axis on which they differ.")),
    )


def _joins(scene: Scene, a: Shape, b: Shape) -> bool:
    dim = scene.call.argument("dim")
    if scene.name == "stack" or len(a) != len(b):
        return a == b
    axis = (dim if isinstance(dim, int) else 1 if scene.name == "hstack" else 0) % max(len(a), 1)
    return all(x == y for k, (x, y) in enumerate(zip(a, b, strict=True)) if k != axis)


def _joined(scene: Scene, given: list[Tensor]) -> str | None:
    """The axis on which the shapes differ, where it is one; cat in stack's place."""
    shapes = [t.shape for t in given]
    if len({len(s) for s in shapes}) != 1:
        return None
    differing = [k for k, sizes in enumerate(zip(*shapes, strict=True)) if len(set(sizes)) > 1]
    source = Source(scene.recording.source)
    node = source.at(scene.call.span)
    if len(differing) != 1 or not isinstance(node, ast.Call) or not node.args:
        return None
    tensors_given = source.written(node.args[0])
    return source.replaced(source.piece(node), f"torch.cat({tensors_given}, dim={differing[0]})")


def _no_such_axis(scene: Scene) -> Suspicion | None:
    dims = scene.call.argument("dim")
    operand = "x1" if scene.tensor("x1") is not None else "input"
    tensor = scene.tensor(operand)
    count = 0 if tensor is None else len(tensor.shape)
    listed = [dims] if isinstance(dims, int) else list(dims.items) if isinstance(dims, Items) else []
    dim = next((k for k in listed if isinstance(k, int) and not -count <= k < max(count, 1)), None)
    if tensor is None or dim is None:
        return None
    if is_library_loss(scene.call, scene.registry):
        return None
    name = known_as(scene, operand)
    last = replaced(scene, dim="-1") or fixes.with_option(scene, scene.call, "dim", "-1")
    return Suspicion(
        at=scene.call.index,
        verdict=said("axis {dim} of {name} is asked for, but it has {count} dimensions: shape {shape}.",
                     dim=dim, name=name, count=count, shape=shape(tensor.shape)),
        evidence=(said("Its axes are {first} to {last}.", first=-count, last=count - 1),),
        trials=(),
        fix=fixes.fix(scene, last, "likely",
                      said("Name the last axis -1; or keep the batch axis, so that there are two.")),
    )  # fmt: skip
