"""Divisions by 0: means over nothing, and directions of what has none."""

from __future__ import annotations

import ast
from dataclasses import replace
from itertools import pairwise

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.births import birth, chain, operands_told, told
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, replaced, wrapped
from explainers.diagnoses.operands import atom, bounded_before, known_as, rewritten
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.source_edits import Source, functional
from explainers.diagnoses.wording import stated
from explainers.messages import Message, said
from explainers.recording import Argument, Call, Items, Value
from explainers.reruns import Edit, SwapFunction

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_EPS = 1e-8
_SQUARES = frozenset({"square", "pow", "mul"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="direction-of-zero",
            family="undefined-values",
            title=said("A quotient by its own size, at 0"),
            explanation=said(
                "x / |x| is the sign of x, and x / ‖x‖ its direction: 0 has neither, so the quotient is 0/0. "
                "torch.sign gives 0 there, and F.normalize divides by at least 1e-12, which gives 0 as well."
            ),
            words=("x / x.abs() nan", "x / x.norm() nan", "normalize zero vector nan", "unit vector of zero nan"),
            losses=frozenset(),
            trigger=_direction,
            positive=_HEAD + "a = torch.tensor([[3.0, 4.0], [0.0, 0.0]])\nn = a / a.norm(dim=1, keepdim=True)\n"
            "(n @ n.T).mean()",
            control=_HEAD + "a = torch.tensor([[3.0, 4.0], [0.0, 1.0]])\nn = a / a.norm(dim=1, keepdim=True)\n"
            "(n @ n.T).mean()",
            concern="non-finite",
            dominates=frozenset({"zero-over-zero"}),
        ),
        Rule(
            slug="zero-over-zero",
            family="undefined-values",
            symptoms=(Symptom("nan", 2),),
            title=said("0 / 0 is nan"),
            explanation=said(
                "A quotient of two zeros has no value. It mostly is a mean over nothing: a mask or a class that no "
                "item of the batch has, so that both the sum and the count are 0. The Dice coefficient of an empty "
                "mask and an empty prediction is such a quotient, too: a number (smooth, eps) that is added above "
                "and below makes it 1, and 1 − Dice 0."
            ),
            words=(
                "0/0",
                "division by zero nan",
                "mean over an empty mask",
                "no positives in batch",
                "SupCon loss nan",
                "dice 0/0",
                "dice loss nan for an empty mask",
                "nan for slices with an empty mask and an empty prediction",
            ),
            losses=frozenset(),
            trigger=_zero_over_zero,
            positive=_HEAD + "loss = torch.tensor([0.7, 0.2])\nmask = torch.tensor([0.0, 0.0])\n"
            "(loss * mask).sum() / mask.sum()",
            control=_HEAD + "loss = torch.tensor([0.7, 0.2])\nmask = torch.tensor([0.0, 1.0])\n"
            "(loss * mask).sum() / mask.sum()",
            concern="non-finite",
        ),
        Rule(
            slug="division-by-zero",
            family="undefined-values",
            symptoms=(Symptom("inf", 2),),
            title=said("A division by 0"),
            explanation=said("A number other than 0 divided by 0 is inf, positive or negative."),
            words=("division by zero loss inf", "division by zero", "divide by zero inf", "1/0"),
            losses=frozenset(),
            trigger=_by_zero,
            positive=_HEAD + "x = torch.tensor([3.0, 4.0])\nnorm = torch.tensor([0.0, 5.0])\n(x / norm).mean()",
            control=_HEAD + "x = torch.tensor([3.0, 4.0])\nnorm = torch.tensor([1.0, 5.0])\n(x / norm).mean()",
            concern="non-finite",
        ),
    )


def _quotient(scene: Scene) -> tuple[float, float] | None:
    """Numerator and denominator of a quotient that was the first number not to be finite."""
    found = birth(scene)
    if found is None or found.name != "div" or len(found.numbers) < 2:
        return None
    return found.numbers[0], found.numbers[1]


def _divided(scene: Scene, verdict_of: str) -> Suspicion:
    found = birth(scene)
    assert found is not None
    over = _divisor(scene)
    verdict = (
        said("{value}: {over} is 0, and so is what is divided by it: 0/0.", value=stated(scene), over=over)
        if verdict_of == "nan"
        else said("{value}: {over} is 0 where something is divided by it.", value=stated(scene), over=over)
    )
    return Suspicion(
        at=scene.call.index,
        verdict=verdict,
        evidence=(told(found), *operands_told(found), *chain(scene)),
        trials=(
            Trial(said("with at least {least} in the denominator", least=_EPS),
                  graph_rerun(*map(_nowhere_zero, _zero_divisors(scene)))),
        ),
        fix=fixes.fix(scene, _bounded(scene), "likely",
                      said("Give the denominator a least value, or leave such batches out.")),
        alternatives=(
            fixes.fix(scene, bounded_before(scene, "other"), "choose",
                      said("Give the denominator a least value, or leave such batches out.")),
        ),
    )  # fmt: skip


def _zero_divisors(scene: Scene) -> list[Scene]:
    """The scenes of all quotients whose denominator holds a 0, the first of which made the first nan or inf."""
    own = [call for call in scene.needed() if short(call) == "div" and call.index != scene.call.index]
    zeros = (call for call in own if (held := scene.held(call.ref("other"))) is not None and (held == 0).any())
    return [scene, *(replace(scene, call=call) for call in zeros)]


def _by_data(scene: Scene, found: Suspicion) -> Suspicion:
    """The same for a denominator that is data, such as the true values of a percentage error: no small number next to
    0 makes such an item right, dividing by infinity leaves it out, and its gradient is 0."""
    data, held = scene.tensor("other"), scene.recorded("other")
    if data is None or held is None or not scene.is_given(data.id) or data.requires_grad:
        return found
    count, source = int((held == 0).sum()), Source(scene.recording.source)
    node = source.at(scene.call.span)
    over = node.right if isinstance(node, ast.BinOp) else None
    text = atom(source, over) if over is not None else ""
    masked = f"{text}.masked_fill({text} == 0, float('inf'))"
    changed = source.replaced(source.piece(over), masked) if over is not None else None
    return replace(
        found,
        trials=(
            Trial(
                said("with 0 for the {count} items of {all} that are divided by 0", count=count, all=held.size),
                graph_rerun(followed_by(scene.call, "torch.nan_to_num", nan=0.0, posinf=0.0, neginf=0.0)),
            ),
        ),
        fix=fixes.fix(
            scene,
            changed,
            "likely",
            said("Leave out what is divided by 0: there a relative error says nothing. Divided by infinity it is 0."),
        ),
        alternatives=(),
    )


def _divisor(scene: Scene) -> str | Message:
    """The denominator as it is known, or in a word where it is long."""
    name = known_as(scene, "other")
    return said("the denominator") if name == "other" else name


def _bounded(scene: Scene) -> str | None:
    """The program with a least value in each denominator that is 0; None where one is not written as a quotient."""
    source, pieces = Source(scene.recording.source), dict[tuple[int, int], str]()
    for each in _zero_divisors(scene):
        node = source.at(each.call.span)
        over = node.right if isinstance(node, ast.BinOp) else None
        if over is None:
            return None
        text = atom(source, over)
        least = f"torch.where({text} == 0, {_EPS}, {text})" if _has_negatives(each) else f"{text}.clamp(min={_EPS})"
        pieces[source.piece(over)] = least
    if any(end > start for (_, end), (start, _) in pairwise(sorted(pieces))):
        return None
    return rewritten(source, list(pieces.items()))


def _has_negatives(scene: Scene) -> bool:
    """Whether denominators below 0 are meant, which a least value would change."""
    held = scene.recorded("other")
    return held is not None and bool((held < 0).any())


def _nowhere_zero(scene: Scene) -> Edit:
    held = scene.recorded("other")
    if held is None or not _has_negatives(scene):
        return wrapped(scene.call, "other", "torch.clamp", min=_EPS)
    return replaced(scene.given("other"), np.where(held == 0, _EPS, held))


def _zero_over_zero(scene: Scene) -> Suspicion | None:
    return _divided(scene, "nan") if _quotient(scene) == (0.0, 0.0) else None


def _by_zero(scene: Scene) -> Suspicion | None:
    found = _quotient(scene)
    if found is None or found[0] == 0 or found[1] != 0:
        return None
    return _by_data(scene, _divided(scene, "inf"))


def _direction(scene: Scene) -> Suspicion | None:
    """x / |x| or x / ‖x‖ at 0, in the forms that torch has for them."""
    size = _size(scene) if _quotient(scene) == (0.0, 0.0) else None
    if size is None:
        return None
    x, over = scene.call.argument("input"), _divisor(scene)
    if short(size) == "abs":
        name, arguments = "torch.sign", (Argument("input", x),)
    else:
        name, arguments = "torch.nn.functional.normalize", (Argument("input", x), Argument("dim", _axis(size)))
    shown = "torch.sign" if short(size) == "abs" else "F.normalize"
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: {over} is 0, and a 0 has no direction: 0/0.", value=stated(scene), over=over),
        evidence=_told(scene),
        trials=(
            Trial(said("with {name} in its place", name=shown),
                  graph_rerun(SwapFunction(scene.call.index, name, arguments))),
        ),
        fix=fixes.fix(scene, _written_direction(scene, size), "safe", said("Use {name}.", name=shown)),
    )  # fmt: skip


def _told(scene: Scene) -> tuple[Message, ...]:
    found = birth(scene)
    return () if found is None else (told(found), *operands_told(found), *chain(scene))


def _size(scene: Scene) -> Call | None:
    """The call that makes the denominator of the numerator alone: its absolute value or its norm along one axis."""
    x, made = scene.call.ref("input"), scene.maker(scene.call.ref("other"))
    if made is not None and short(made) in ("unsqueeze", "clone") and made.inputs():
        made = scene.makers.get(made.inputs()[0])
    if made is None or x is None:
        return None
    if short(made) == "abs" and made.ref("input") == x:
        return made
    summed = made if short(made) != "sqrt" else scene.maker(made.ref("input"))
    if summed is None or not isinstance(_axis(summed), int):
        return None
    if short(made) in ("norm", "vector_norm"):
        order = made.argument("p") if short(made) == "norm" else made.argument("ord")
        return made if made.ref("input") == x and order in (None, 2, "fro") else None
    squares = scene.maker(summed.ref("input")) if short(summed) == "sum" else None
    return summed if squares is not None and _squares(squares, x) else None


def _squares(call: Call, x: int) -> bool:
    """Whether a call gives the squares of a tensor."""
    twice = call.argument("exponent") == 2 or short(call) == "square" or call.ref("other") == x
    return short(call) in _SQUARES and call.ref("input") == x and twice


def _axis(call: Call) -> Value:
    dim = call.argument("dim")
    return dim.items[0] if isinstance(dim, Items) and len(dim.items) == 1 else dim


def _written_direction(scene: Scene, size: Call) -> str | None:
    source = Source(scene.recording.source)
    node = source.at(scene.call.span)
    if not isinstance(node, ast.BinOp):
        return None
    x = source.written(node.left)
    text = f"{functional(source)}.normalize({x}, dim={_axis(size)})" if short(size) != "abs" else f"torch.sign({x})"
    return source.replaced(source.piece(node), text)
