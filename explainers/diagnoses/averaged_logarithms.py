"""The logarithm of a mean where the mean of the logarithms is meant, or the other way round."""

from __future__ import annotations

import ast
import math

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, replaced
from explainers.diagnoses.scene import VIEWS, Floats, Scene, short
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Call

_HEAD = "import torch\n\np = torch.tensor([0.9, 0.1, 0.6])  # probabilities of the right class\n"
_NEAR = 1e-6


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="log-of-mean",
            family="own-computations",
            title=said("The logarithm of a mean is not the mean of the logarithms"),
            explanation=said(
                "A likelihood loss is the mean of −log p. −log is convex, so −log of the mean is never larger than the "
                "mean of −log (Jensen's inequality), and equal only where all p are the same. Its gradient is another "
                "one, too: 1/mean(p) for every item alike, so that a badly predicted item weighs no more than a good "
                "one, where −log p gives it 1/p."
            ),
            words=(
                "log of the mean instead of mean of the log",
                "-log(x.mean()) vs mean(-log(x))",
                "is log of mean the same as mean of log",
                "Jensen inequality loss average before log",
            ),
            losses=frozenset(),
            trigger=_log_of_mean,
            positive=_HEAD + "-torch.log(p.mean())",
            control=_HEAD + "-torch.log(p).mean()",
        ),
    )


def _log_of_mean(scene: Scene) -> Suspicion | None:
    needed = {call.index for call in scene.needed()}
    shown = {each.tensor for each in scene.recording.shown} | set(scene.recording.others)
    for call in scene.recording.calls:
        found = _averaged(scene, call)
        if found is not None and call.index in needed:
            return _told(scene, call, found)
        if found is not None and shown & _behind(scene, call) and _is_mean_of_logs(scene, found):
            return _other(scene, call, found)
    return None


def _averaged(scene: Scene, call: Call) -> Floats | None:
    """The probabilities whose mean a logarithm is of; None where it is of something else, or they are all the same."""
    mean = scene.maker(call.ref("input")) if short(call) == "log" else None
    while mean is not None and short(mean) in VIEWS:
        mean = scene.maker(next(iter(mean.inputs()), None))
    if mean is None or short(mean) != "mean" or mean.argument("dim") is not None:
        return None
    held, maker = scene.held(mean.ref("input")), scene.maker(mean.ref("input"))
    if held is None or held.size < 2 or not ((held > 0) & (held <= 1)).all() or np.ptp(held) <= _NEAR:
        return None
    return None if maker is not None and short(maker) in ("exp", "square", "pow", "abs", "mse_loss") else held


def _behind(scene: Scene, call: Call) -> set[int | None]:
    """What a call returned, and its negative."""
    made = set(call.outputs)
    negated = {id for each in scene.recording.calls if short(each) == "neg" and made & set(each.inputs())
               for id in each.outputs}  # fmt: skip
    return {*made, *negated}


def _is_mean_of_logs(scene: Scene, p: Floats) -> bool:
    return scene.value is not None and math.isclose(abs(scene.value), -float(np.log(p).mean()), rel_tol=1e-4)


def _told(scene: Scene, call: Call, p: Floats) -> Suspicion:
    made = scene.recording.tensors[call.outputs[0]]
    logs = float(np.log(p).mean())
    return Suspicion(
        at=call.index,
        verdict=said("{value} is of the logarithm of a mean: the mean of the logarithms is another number.",
                     value=stated(scene)),
        evidence=_both(p),
        trials=(Trial(said("with the mean of the logarithms"),
                      graph_rerun(replaced(made, np.full(made.shape, logs)))),),
        fix=fixes.fix(scene, _turned(scene, call), "likely", said("Take the logarithm first, and then the mean.")),
    )  # fmt: skip


def _turned(scene: Scene, call: Call) -> str | None:
    """The program with the mean of the logarithm; None where it is written over several lines."""
    source = Source(scene.recording.source)
    node = source.call_at(call.span)
    inner = next(iter(node.args), None) if node is not None else None
    if node is None or not isinstance(inner, ast.Call) or last_name(inner.func) != "mean":
        return None
    of = inner.func.value if not inner.args and isinstance(inner.func, ast.Attribute) else next(iter(inner.args), None)
    return None if of is None else source.replaced(source.piece(node), f"torch.log({source.written(of)}).mean()")


def _other(scene: Scene, call: Call, p: Floats) -> Suspicion:
    made = scene.recording.tensors[scene.call.outputs[0]]
    sign = math.copysign(1.0, scene.value or 0.0)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value} is the mean of the logarithms; the logarithm of the mean, {other}, is not the same.",
                     value=stated(scene), other=number(sign * abs(math.log(float(p.mean()))))),
        evidence=_both(p),
        trials=(Trial(said("with the logarithm of the mean"),
                      graph_rerun(replaced(made, np.full(made.shape, sign * abs(math.log(float(p.mean()))))))),),
        fix=fixes.fix(scene, None, "choose", said("The mean of the logarithms is the likelihood's.")),
    )  # fmt: skip


def _both(p: Floats) -> tuple[Message, ...]:
    return (
        said("The {count} probabilities lie between {least} and {most}: −log of their mean {mean} is {outer}, the mean "
             "of −log is {inner}.", count=p.size, least=number(float(p.min())), most=number(float(p.max())),
             mean=number(float(p.mean())), outer=number(-math.log(float(p.mean()))),
             inner=number(-float(np.log(p).mean()))),
    )  # fmt: skip
