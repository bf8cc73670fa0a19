"""0 · log 0, whose limit is 0 and which a computer makes nan of."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import numpy as np

from explainers.diagnoses import fixes
from explainers.diagnoses.births import Birth, birth, chain, nan_call, operands_told, told
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun
from explainers.diagnoses.logarithms import spoiling
from explainers.diagnoses.operands import atom, rewritten
from explainers.diagnoses.scene import VIEWS, Scene, short
from explainers.diagnoses.source_edits import Piece, Source, operand
from explainers.diagnoses.wording import stated
from explainers.messages import Message, said
from explainers.recording import Argument, Call
from explainers.reruns import SwapFunction

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_LEAST = 1e-12
_LOGS = frozenset({"log", "log2", "log10"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="zero-times-log-zero",
            family="logarithms",
            title=said("0 · log 0 is nan for a computer"),
            explanation=said(
                "As p goes to 0, p · log p goes to 0, so in the formula such a term counts as 0. A computer "
                "multiplies 0 with −inf, which is nan. torch.xlogy has the limit built in."
            ),
            words=("0 * log(0)", "p log p is nan", "entropy nan", "zero times infinity"),
            losses=frozenset(),
            trigger=_zero_times_log,
            positive=_HEAD + "p = torch.tensor([0.5, 0.5, 0.0])\n-(p * torch.log(p)).sum()",
            control=_HEAD + "p = torch.tensor([0.5, 0.25, 0.25])\n-(p * torch.log(p)).sum()",
            concern="non-finite",
            dominates=frozenset({"log-of-nonpositive"}),
        ),
    )


def _zero_times_log(scene: Scene) -> Suspicion | None:
    found = birth(scene)
    product = nan_call(scene) if found is not None and found.name in _LOGS and found.made == -np.inf else None
    if found is None or product is None or short(product) != "mul" or 0.0 not in found.numbers:
        return None
    if not set(product.inputs()) & set(scene.call.outputs):
        return _zero_times_difference(scene, product, found)
    products = _products(scene)
    edits = tuple(_swapped(each, log) for each, log in products)
    infinite = sum(_infinite(scene, *each) for each in products)
    limit = fixes.fix(scene, _xlogy(scene, products), "safe", said("torch.xlogy(a, b) is a · log b, and 0 for a = 0."))
    bounded = fixes.fix(
        scene,
        _bounded(scene, products),
        "choose",
        said("Give p a least value, or take log_softmax of raw scores, which is never −inf."),
    )
    return Suspicion(
        at=product.index,
        verdict=said("{value}: 0 · log 0 is computed as 0 · (−inf), which is nan.", value=stated(scene)),
        evidence=(told(found), *operands_told(found), *chain(scene), *_not_zero(infinite)),
        trials=(Trial(said("with torch.xlogy, where 0 · log 0 is 0"), graph_rerun(*edits)),),
        fix=bounded if infinite else limit,
        alternatives=(limit,) if infinite else (),
    )


def _infinite(scene: Scene, product: Call, log: Call) -> int:
    """How many times something else than 0 is multiplied with log 0."""
    factor = scene.held(product.inputs()[_factor(product, log)]) if len(product.inputs()) == 2 else None
    p = scene.held(log.ref("input"))
    if factor is None or p is None or factor.shape != p.shape:
        return 0
    return int(((p == 0) & (factor != 0)).sum())


def _not_zero(count: int) -> tuple[Message, ...]:
    """That the exact value is no number either."""
    if not count:
        return ()
    text = (
        "Where log 0 is multiplied by something else than 0 (here {count} times), what is right has the probability 0, "
        "and the exact value is infinite, not 0."
    )
    return (said(text, count=count),)


def _bounded(scene: Scene, products: Sequence[tuple[Call, Call]]) -> str | None:
    """`torch.log(p)` written as `torch.log(p.clamp(min=1e-12))`, each of them."""
    source = Source(scene.recording.source)
    inner = [operand(source, log) for _, log in products]
    if any(node is None for node in inner):
        return None
    pieces = {source.piece(node): f"{atom(source, node)}.clamp(min={_LEAST:g})" for node in inner if node is not None}
    return rewritten(source, list(pieces.items()))


def _zero_times_difference(scene: Scene, product: Call, found: Birth) -> Suspicion | None:
    """0 · (log 0 − …), as in a divergence that is written out; None where something else is multiplied by 0."""
    if not any(_is_linear_in(scene, id) for id in product.inputs()):
        return None
    limit = followed_by(scene.call, "torch.nan_to_num", neginf=0.0)
    return Suspicion(
        at=product.index,
        verdict=said("{value}: 0 · (log 0 − …) is computed as 0 · (−inf), which is nan.", value=stated(scene)),
        evidence=(told(found), *operands_told(found), *chain(scene)),
        trials=(Trial(said("with 0 · log 0 counted as 0, which is its limit"), graph_rerun(limit)),),
        fix=fixes.fix(
            scene,
            _finite(scene),
            "safe",
            said("Count 0 · log 0 as 0: replace −inf, or use torch.xlogy, or F.kl_div, which do so by themselves."),
        ),
    )


def _is_linear_in(scene: Scene, id: int) -> bool:
    """Whether a tensor is the logarithm, seen through sums and differences."""
    call = scene.makers.get(id)
    if call is None or id in scene.call.outputs:
        return call is not None
    passed = short(call) in ("add", "sub", "rsub", "neg") or short(call) in VIEWS
    return passed and any(_is_linear_in(scene, each) for each in call.inputs())


def _finite(scene: Scene) -> str | None:
    """`p.log()` written as `p.log().nan_to_num(neginf=0.0)`."""
    source = Source(scene.recording.source)
    log = source.call_at(scene.call.span)
    return None if log is None else source.replaced(source.piece(log), f"{source.written(log)}.nan_to_num(neginf=0.0)")


def _products(scene: Scene) -> list[tuple[Call, Call]]:
    """Every product with a logarithm of 0 on the way to the subject, and that logarithm: one may hide another."""
    made = {id: log for log in spoiling(scene) for id in log.outputs}
    muls = (call for call in scene.needed() if short(call) == "mul")
    return [
        (call, made[id]) for call in muls if (id := next((i for i in call.inputs() if i in made), None)) is not None
    ]


def _swapped(product: Call, log: Call) -> SwapFunction:
    factor = product.argument(("input", "other")[_factor(product, log)])
    given = (Argument("input", factor), Argument("other", log.argument("input")))
    return SwapFunction(product.index, "torch.xlogy", given)


def _factor(product: Call, log: Call) -> int:
    """Which operand of a product, 0 or 1, is not the logarithm."""
    return 1 if product.ref("input") in log.outputs else 0


def _xlogy(scene: Scene, products: Sequence[tuple[Call, Call]]) -> str | None:
    """`p * torch.log(p)` written as `torch.xlogy(p, p)`, each of them."""
    source = Source(scene.recording.source)
    pieces: dict[Piece, str] = {}
    for product, log in products:
        node, inner = source.at(product.span), operand(source, log)
        if not isinstance(node, ast.BinOp) or inner is None:
            return None
        factor = (node.left, node.right)[_factor(product, log)]
        pieces[source.piece(node)] = f"torch.xlogy({source.written(factor)}, {source.written(inner)})"
    return rewritten(source, list(pieces.items()))
