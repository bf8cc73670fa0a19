"""Logarithms of what overflows or is rounded to 0 on the way, though the logarithm itself is a usual number."""

from __future__ import annotations

import math

from explainers.diagnoses import fixes
from explainers.diagnoses.births import Birth, birth, chain, operands_told, told
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun
from explainers.diagnoses.log_domain import LOGARITHMS, Converted, converted
from explainers.diagnoses.log_domain_source import stable_source
from explainers.diagnoses.logarithms import activation
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.wording import number, stated
from explainers.messages import Message, said
from explainers.recording import Call
from explainers.reruns import SwapFunction

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_BINARY = "torch.nn.functional.logsigmoid"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="stable-logarithm",
            family="logarithms",
            title=said("A logarithm that has a stable form"),
            explanation=said(
                "Before the logarithm makes it small again, the number is too large for the dtype (overflow: inf), or "
                "so small that it is rounded to 0 (underflow: log 0). softplus(x) = log(1 + e^x), logaddexp(a, b) = "
                "log(e^a + e^b), logsumexp and logsigmoid(−x) = log(1 − σ(x)) compute the same without that number, "
                "and log cosh x is logaddexp(x, −x) − log 2."
            ),
            words=(
                "log(1 + exp(x)) inf",
                "softplus overflow",
                "log cosh inf",
                "log(1 - sigmoid(x)) -inf",
                "logsumexp underflow",
                "logaddexp",
                "own BCE with sigmoid inf",
            ),
            losses=frozenset(),
            trigger=_unstable,
            positive=_HEAD + "x = torch.tensor([200.0, -3.0])\ntorch.log(1 + torch.exp(x)).mean()",
            control=_HEAD + "x = torch.tensor([20.0, -3.0])\ntorch.log(1 + torch.exp(x)).mean()",
            concern="non-finite",
            dominates=frozenset({"number-overflow", "log-of-nonpositive", "zero-times-log-zero", "rounded-to-one"}),
        ),
    )


def _unstable(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    known = None if found is None else _stable(scene, found)
    if found is None or known is None:
        return None
    log, stable = known
    return Suspicion(
        at=scene.call.index,
        verdict=_verdict(scene, found, stable),
        evidence=(told(found), *operands_told(found), *chain(scene)),
        trials=(
            Trial(
                said("in the stable form, with {name}", name=stable.name),
                graph_rerun(*stable.edits),
            ),
            Trial(said("the same program in float64"), graph_rerun(float64=True), "illustration"),
        ),
        fix=fixes.fix(scene, _written(scene, log), "safe", _note(stable)),
    )


def _stable(scene: Scene, found: Birth) -> tuple[Call, Converted] | None:
    """The logarithm that a number which is not finite arose under, or at, with its stable form."""
    if found.name in LOGARITHMS:
        told_better = activation(scene) is not None  # by the rule of a softmax or sigmoid that was rounded to 0
        made = converted(scene, scene.call) if found.made == -math.inf and not told_better else None
        return None if made is None or made.masked else (scene.call, made)
    if found.made != math.inf:
        return None
    logs = [call for call in scene.needed() if short(call) in LOGARITHMS]
    every = ((log, made) for log in logs if (made := converted(scene, log)) is not None)
    return next(((log, made) for log, made in every if scene.call.index in made.inside), None)


def _verdict(scene: Scene, found: Birth, stable: Converted) -> Message:
    if found.name in LOGARITHMS:
        return said("{value}: what the logarithm is taken of was rounded to 0; torch's {name} never forms it.",
                    value=stated(scene), name=stable.name)  # fmt: skip
    of = number(found.numbers[0]) if found.numbers else "…"
    return said("{value}: {function}({x}) overflows, though its logarithm is small; torch's {name} never forms it.",
                value=stated(scene), function=found.name, x=of, name=stable.name)  # fmt: skip


def _note(stable: Converted) -> Message:
    sigmoids = [e for e in stable.edits if isinstance(e, SwapFunction) and e.function == _BINARY]
    if len(sigmoids) > 1:
        return said("Let logsigmoid take both logarithms, or give the scores to binary_cross_entropy_with_logits.")
    return said("Let {stable} take the logarithm.", stable=stable.name)


def _written(scene: Scene, log: Call) -> str | None:
    """The program with every logarithm that has one in its stable form, else with this one alone."""
    others = [c for c in scene.needed() if short(c) in LOGARITHMS and c is not log and converted(scene, c) is not None]
    return stable_source(scene, [log, *others]) or stable_source(scene, [log])
