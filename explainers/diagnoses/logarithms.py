"""Logarithms of what became 0, of what is 0 and weighted with 0, and of what is negative."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.births import birth, chain, operands_told, told
from explainers.diagnoses.diagnosis import Rule, Suspicion, Symptom, Trial
from explainers.diagnoses.edits import dropped, graph_rerun, wrapped
from explainers.diagnoses.log_domain import converted
from explainers.diagnoses.log_domain_source import stable_source
from explainers.diagnoses.operands import atom, bounded_before, rewritten
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.source_edits import Source, functional, operand
from explainers.diagnoses.turning import numbers
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Call
from explainers.reruns import Edit, SwapFunction

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_LOGS = frozenset({"log", "log2", "log10"})
_POSITIVE: Final[Mapping[str, str]] = {"softmax": "log_softmax", "sigmoid": "logsigmoid"}
_STABLE: Final[Mapping[str, str]] = {"softmax": "torch.log_softmax", "sigmoid": "torch.nn.functional.logsigmoid"}
_TINY = 1e-12
_SMALLEST: Final[Mapping[str, float]] = {"float16": 2.0**-24, "bfloat16": 2.0**-133, "float32": 2.0**-149}
_ZERO_FROM: Final[Mapping[str, float]] = {
    "float16": 25 * np.log(2),
    "float32": 150 * np.log(2),
    "float64": 1075 * np.log(2),
}


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="log-softmax-underflow",
            family="logarithms",
            title=said("A probability was rounded to 0 before its logarithm"),
            explanation=said(
                "softmax and sigmoid are never 0, but what is below about {least} is stored as 0 in float32 "
                "(underflow), and log 0 is −inf. log_softmax and logsigmoid subtract logarithms instead and never "
                "form the tiny number. Adding an epsilon makes the loss finite and its gradient 0.",
                least=number(float(np.finfo(np.float32).smallest_subnormal)),
            ),
            words=("log of softmax is -inf", "log(softmax) nan", "underflow", "loss inf log softmax"),
            losses=frozenset(),
            trigger=_underflow,
            positive=_HEAD + "z = torch.tensor([[200.0, 0.0]])\nlp = torch.log(torch.softmax(z, dim=1))\n"
            "F.nll_loss(lp, torch.tensor([1]))",
            control=_HEAD + "z = torch.tensor([[20.0, 0.0]])\nlp = F.log_softmax(z, dim=1)\n"
            "F.nll_loss(lp, torch.tensor([1]))",
            concern="non-finite",
            dominates=frozenset({"zero-times-log-zero", "log-of-nonpositive", "stable-logarithm", "rounded-to-one"}),
        ),
        Rule(
            slug="epsilon-rounded-away",
            family="logarithms",
            title=said("The epsilon is too small for the dtype"),
            explanation=said(
                "A number below the smallest one that a dtype can hold becomes 0 (underflow), and one far below the "
                "other operand is rounded away. In float16 the smallest positive number is about 6e-8, so an epsilon "
                "of 1e-8 is 0 there. Convert to float32 first, or take a larger one."
            ),
            words=("epsilon does not help", "1e-8 float16 log", "added eps still inf", "eps too small half precision"),
            losses=frozenset(),
            trigger=_epsilon_lost,
            positive=_HEAD + "p = torch.tensor([0.0, 0.5], dtype=torch.float16)\n-torch.log(p + 1e-8).sum()",
            control=_HEAD + "p = torch.tensor([0.0, 0.5])\n-torch.log(p + 1e-8).sum()",
            concern="non-finite",
            dominates=frozenset({"zero-times-log-zero", "log-of-nonpositive"}),
        ),
        Rule(
            slug="log-of-nonpositive",
            family="logarithms",
            symptoms=(Symptom("nan", 1), Symptom("inf", 3)),
            title=said("A logarithm of 0 or of a negative number"),
            explanation=said(
                "log is defined for positive numbers: log 0 is −inf, and a negative number, a value that no "
                "probability has, makes nan."
            ),
            words=("log of a negative number", "log(0) is -inf", "negative probability", "log of zero"),
            losses=frozenset(),
            trigger=_nonpositive,
            positive=_HEAD + "p = torch.tensor([0.5, -0.1, 0.6])\n-torch.log(p).mean()",
            control=_HEAD + "p = torch.tensor([0.5, 0.1, 0.6])\n-torch.log(p).mean()",
            concern="non-finite",
        ),
    )


def activation(scene: Scene) -> Call | None:
    """The activation whose result the logarithm is taken of, seen through views."""
    maker = scene.nearest("input")
    return maker if maker is not None and short(maker) in _POSITIVE else None


def _underflow(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    maker = activation(scene) if found is not None and found.name in _LOGS else None
    if found is None or maker is None or found.made != -np.inf or _is_truly_zero(scene, maker):
        return None
    name, held = short(maker), converted(scene, scene.call)
    return Suspicion(
        at=maker.index,
        verdict=said(
            "{value}: a {activation} was rounded to 0 (underflow), and log 0 is −inf.",
            value=stated(scene),
            activation=name,
        ),
        evidence=(told(found), *operands_told(found), *_gap(scene, maker), *chain(scene)),
        trials=(
            Trial(said("with {stable} in place of log({activation})", stable=_POSITIVE[name], activation=name),
                  graph_rerun(*(held.edits if held is not None else stable(scene.call, maker)))),
            Trial(said("the same program in float64"), graph_rerun(float64=True), "illustration"),
        ),
        fix=fixes.fix(scene, _fused(scene, maker), "safe",
                      said("Let {stable} take the logarithm.", stable=_POSITIVE[name])),
    )  # fmt: skip


def _is_truly_zero(scene: Scene, maker: Call) -> bool:
    """Whether the activation is 0 only where its score is -inf, as that of a masked entry: nothing was rounded."""
    scores, made = scene.held(maker.ref("input")), scene.held(maker.outputs[0])
    return scores is not None and made is not None and bool((scores[made == 0] == -np.inf).all())


def _epsilon_lost(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    made = scene.call.ref("input") if found is not None and found.name in _LOGS and found.made == -np.inf else None
    added = scene.makers.get(made) if made is not None else None
    epsilon = added.argument("other") if added is not None and short(added) == "add" else None
    dtype = scene.given("input").dtype
    if found is None or added is None or not isinstance(epsilon, float) or epsilon <= 0 or dtype not in _SMALLEST:
        return None
    return Suspicion(
        at=added.index,
        verdict=said("{value}: {epsilon} is rounded to 0 in {dtype}, and log 0 is −inf.",
                     value=stated(scene), epsilon=number(epsilon), dtype=dtype),
        evidence=(
            said("The smallest positive number of {dtype} is {least}.", dtype=dtype, least=number(_SMALLEST[dtype])),
            *operands_told(found), *chain(scene),
        ),
        trials=(
            Trial(said("with at least {tiny} under the logarithm", tiny=number(2 * _SMALLEST[dtype])),
                  graph_rerun(wrapped(scene.call, "input", "torch.clamp", min=2 * _SMALLEST[dtype])), "illustration"),
            Trial(said("the same program in float64"), graph_rerun(float64=True), "illustration"),
        ),
        fix=fixes.fix(scene, _in_float(scene), "safe", said("Take the logarithm in float32: .float() before it.")),
    )  # fmt: skip


def _in_float(scene: Scene) -> str | None:
    """`torch.log(p + 1e-8)` written as `torch.log(p.float() + 1e-8)`."""
    source = Source(scene.recording.source)
    inner = operand(source, scene.call)
    if not isinstance(inner, ast.BinOp):
        return None
    return source.replaced(source.piece(inner.left), f"{atom(source, inner.left)}.float()")


def _gap(scene: Scene, maker: Call) -> tuple[Message, ...]:
    """How far apart the scores of the row are, beside the gap from which on softmax gives 0."""
    scores, tensor = maker.ref("input"), scene.given("input")
    held = None if scores is None else numbers(scene.recording.tensors.get(scores))
    dim = maker.argument("dim")
    if short(maker) != "softmax" or held is None or not isinstance(dim, int) or tensor.dtype not in _ZERO_FROM:
        return ()
    gap = float((held.max(axis=dim) - held.min(axis=dim)).max())
    text = "The scores lie up to {gap} apart; from about {least} on the smaller probability is 0 in {dtype}."
    return (said(text, gap=number(gap), least=number(_ZERO_FROM[tensor.dtype]), dtype=tensor.dtype),)


def stable(log: Call, maker: Call) -> tuple[Edit, ...]:
    """The logarithm and the activation fused: swapped at the activation, and the logarithm left out."""
    kept = tuple(a for a in maker.arguments if a.name in ("input", "dim"))
    return SwapFunction(maker.index, _STABLE[short(maker)], kept), dropped(log)


def _fused(scene: Scene, maker: Call) -> str | None:
    """`log(softmax(z, 1))` written as `log_softmax(z, 1)`, also where the probabilities have a name of their own; what
    is selected of them, or how they are rearranged, is kept."""
    others = [call for call in spoiling(scene) if call is not scene.call]
    if (text := stable_source(scene, [scene.call, *others]) or stable_source(scene, [scene.call])) is not None:
        return text
    if scene.maker(scene.call.ref("input")) is not maker:
        return None
    source = Source(scene.recording.source)
    log = source.call_at(scene.call.span)
    scores = operand(source, maker)
    if log is None or scores is None:
        return None
    given = atom(source, scores)
    dim = maker.argument("dim")
    text = f"{given}.log_softmax({dim})" if short(maker) == "softmax" else f"{functional(source)}.logsigmoid({given})"
    return rewritten(source, [(source.piece(log), text)])


def _nonpositive(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    if found is None or found.name not in _LOGS or not found.numbers or found.numbers[0] > 0:
        return None
    low = found.numbers[0]
    note = said("Make sure that it is positive: mend the model's output, or set a least value.")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: a logarithm is taken of {number}.", value=stated(scene), number=number(low)),
        evidence=(told(found), *operands_told(found), *chain(scene)),
        trials=(
            Trial(said("with at least {tiny} under the logarithm", tiny=_TINY),
                  graph_rerun(*(wrapped(c, "input", "torch.clamp", min=_TINY) for c in spoiling(scene)))),
        ),
        fix=fixes.fix(scene, _clamped(scene, (scene.call,)), "choose", note),
        alternatives=(
            fixes.fix(scene, _clamped(scene, spoiling(scene)), "choose", note),
            fixes.fix(scene, bounded_before(scene, "input", _TINY), "choose", note),
        ),
    )  # fmt: skip


def spoiling(scene: Scene) -> tuple[Call, ...]:
    """Every logarithm on the way to the subject that is taken of a number that has none."""
    logs = [call for call in scene.needed() if short(call) in _LOGS]
    held = [(call, numbers(scene.recording.tensors.get(id))) for call in logs for id in call.inputs()[:1]]
    return tuple(call for call, x in held if x is not None and (x <= 0).any())


def _clamped(scene: Scene, calls: Sequence[Call]) -> str | None:
    """The program with a least value under these logarithms, those written last first."""
    source = Source(scene.recording.source)
    inner = {source.piece(node): node for call in calls if (node := operand(source, call)) is not None}
    text = source
    for piece in sorted(inner, reverse=True):
        text = Source(text.replaced(piece, f"{atom(source, inner[piece])}.clamp_min({_TINY})"))
    return text.text if inner else None
