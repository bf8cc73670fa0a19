"""Gradients that are not what the asker expects: divided by a mean, added up over backward passes, without ½."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from explainers.claims import Claim, expected
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, gradient_rerun, set_to, swapped
from explainers.diagnoses.expectations import elements, flat
from explainers.diagnoses.scene import Floats, Scene, is_library_loss, line_of, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import number, row
from explainers.messages import Message, said
from explainers.recording import Call, Tensor
from explainers.reruns import Edit

_HEAD = "import torch\n\nx = torch.tensor([2.0, 4.0], requires_grad=True)\n"
_TWICE = "x = torch.tensor([1.0, 0.5], requires_grad=True)\nfor k in range(2):\n    loss = (x ** 2).sum()\n"
_READS = "torch.Tensor.grad"
_NEAR = 1e-3
_MOST_PASSES = 3
_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_OF_NUMPY = re.compile(rf"(?<![\w(\[])\[\s*({_NUMBER}(?:\s+{_NUMBER})*)\s*\]")
"""A vector as numpy prints it: no commas."""


@dataclass(frozen=True)
class Wanted:
    """A gradient that the program reads, the number that the asker wants it to be, and how many times it is that."""

    name: str
    leaf: int
    held: Floats
    claim: Claim
    times: float


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="gradient-of-a-mean",
            family="expected-gradients",
            title=said("A mean divides the gradient, a sum does not"),
            explanation=said(
                "The gradient is that of the one number that backward() starts from. Where this is a mean of n terms, "
                "each of them counts 1/n, and so does its derivative; of a sum each counts whole."
            ),
            words=("gradient divided by n", "grad is half of what I expect", "gradient of mean instead of sum"),
            losses=frozenset(),
            trigger=_of_mean,
            positive=_HEAD + "loss = (x ** 2).mean()\nloss.backward()\nprint(x.grad)",
            positive_claims=(Claim("expected", (4.0, 8.0), 0.05, "[4, 8]"),),
            control=_HEAD + "loss = (x ** 2).sum()\nloss.backward()\nprint(x.grad)",
            control_claims=(Claim("expected", (4.0, 8.0), 0.05, "[4, 8]"),),
            concern="gradient",
        ),
        Rule(
            slug="gradients-added-up",
            family="expected-gradients",
            title=said("Each backward() adds its gradient to those before"),
            explanation=said(
                "backward() does not replace what is in .grad, it adds to it. Clear it between two passes: "
                "x.grad = None, x.grad.zero_(), or zero_grad() of the optimizer."
            ),
            words=("grad accumulates", "grad doubles on second backward", "x.grad twice as large"),
            losses=frozenset(),
            trigger=_added_up,
            positive=_HEAD + _TWICE + "    loss.backward()\nprint(x.grad)",
            positive_claims=(Claim("expected", (2.0, 1.0), 0.05, "[2, 1]"),),
            control=_HEAD + _TWICE + "    x.grad = None\n    loss.backward()\nprint(x.grad)",
            control_claims=(Claim("expected", (2.0, 1.0), 0.05, "[2, 1]"),),
            concern="gradient",
            dominates=frozenset({"gradient-of-a-mean", "gradient-without-half"}),
        ),
        Rule(
            slug="gradient-without-half",
            unedited="Whether the ½ belongs to the loss, to its weight or nowhere is the asker's choice.",
            family="expected-gradients",
            title=said("The square has no ½ before it"),
            explanation=said(
                "The derivative of u² is 2u. Textbooks write ½u², whose derivative is u; torch's losses of squares, "
                "and a square that is written out, have no ½."
            ),
            words=("gradient of mse has a factor 2", "gradient twice as large as by hand", "missing one half"),
            losses=frozenset(),
            trigger=_without_half,
            positive=_HEAD + "loss = ((x - 1) ** 2).sum()\nloss.backward()\nprint(x.grad)",
            positive_claims=(Claim("expected", (1.0, 3.0), 0.05, "[1, 3]"),),
            control=_HEAD + "loss = ((x - 1) ** 2).sum() / 2\nloss.backward()\nprint(x.grad)",
            control_claims=(Claim("expected", (1.0, 3.0), 0.05, "[1, 3]"),),
            concern="gradient",
        ),
    )


def _wanted(scene: Scene) -> Iterator[Wanted]:
    """The gradients that are read, with what the asker expects of them, where the two are in one proportion."""
    tensors = scene.recording.tensors
    read = {c.inputs()[0]: c.outputs[0] for c in scene.recording.calls if c.function == _READS and c.outputs}
    for leaf, id in read.items():
        held = scene.held(id)
        if held is None or not held.size or not np.isfinite(held).all():
            continue
        name = tensors[leaf].name or "the input"
        for claim in (*_expected(scene), *_written(scene, leaf, id)):
            times = _times(claim, held.reshape(-1), scene.claims)
            if times is not None and abs(times - 1) > _NEAR:
                yield Wanted(name, leaf, held, claim, times)


def _expected(scene: Scene) -> Iterator[Claim]:
    """What is expected and is not the value itself."""
    return (c for c in expected(scene.claims) if scene.value is None or not c.agrees(scene.value))


def _written(scene: Scene, leaf: int, read: int) -> Iterator[Claim]:
    """Tensors of as many numbers that the program shows beside the gradient: one worked out by hand."""
    of = scene.recording.tensors[leaf].elements
    for one in scene.recording.shown:
        held = None if one.tensor in (leaf, read) else scene.recording.known(one.tensor)
        if held is not None and held.data is not None and held.floating and held.elements == of > 1:
            yield Claim("expected", elements(held), _NEAR * float(np.abs(held.array()).max()), row(_flat(held)))
    for text in _OF_NUMPY.findall(scene.recording.stdout) if of > 1 else ():
        numbers = np.array([float(each) for each in text.split()])
        if numbers.size == of and np.isfinite(numbers).all():
            yield Claim("expected", tuple(numbers.tolist()), _NEAR * float(np.abs(numbers).max()), row(numbers))


def _flat(held: Tensor) -> Floats:
    return held.array().astype(np.float64).reshape(-1)


def _times(claim: Claim, held: Floats, claims: tuple[Claim, ...]) -> float | None:
    """How many times the gradient is what was expected of it; None where they are in no proportion."""
    match claim.value:
        case tuple() as nested:
            wanted = [x for x in flat(nested) if not isinstance(x, str)]
            if len(wanted) != held.size:
                return None
            ratios = [w / h for w, h in zip(wanted, held, strict=True) if h]
            alike = ratios and all(math.isclose(r, ratios[0], rel_tol=0.02) for r in ratios)
            zeros = all(abs(w) <= claim.radius for w, h in zip(wanted, held, strict=True) if not h)
            return ratios[0] if alike and zeros else None
        case str():
            return None
        case number:
            shown = [c for c in claims if c.kind == "printed"]
            got = next((float(h) for h in held if h and any(c.agrees(float(h)) for c in shown)), None)
            alone = float(held[0]) if held.size == 1 and held[0] else None
            of = got if got is not None else alone
            return None if of is None else number / of


def _of_mean(scene: Scene) -> Suspicion | None:
    for wanted in _wanted(scene):
        for call in scene.needed():
            count = _averaged(scene, call)
            if count is not None and math.isclose(wanted.times, count, rel_tol=0.02):
                edit = swapped(call, "torch.sum", "input", "dim", "keepdim") if short(call) == "mean" else _summed(call)
                return _suspicion(
                    scene, wanted, call, edit, said("with the sum in place of the mean"),
                    said("{name}.grad is {held}, not {wanted}: the mean in line {line} divides the loss by {count}, "
                         "and so its gradient.", **_facts(wanted), line=line_of(call), count=count),
                    fixes.fix(scene, _with_sum(scene, call), "choose",
                              said("Sum where each term is to count whole; the mean is not wrong.")),
                )  # fmt: skip
    return None


def _with_sum(scene: Scene, call: Call) -> str | None:
    if short(call) == "mean":
        return fixes.called(scene, call, "sum")
    return fixes.with_option(scene, call, "reduction", '"sum"')


def _summed(call: Call) -> Edit:
    return set_to(call, "reduction", "sum")


def _averaged(scene: Scene, call: Call) -> int | None:
    """Over how many terms a call takes the mean."""
    tensors = scene.recording.tensors
    made = tensors.get(call.outputs[0]) if call.outputs else None
    if short(call) == "mean" and made is not None and made.elements:
        return tensors[call.inputs()[0]].elements // made.elements
    if is_library_loss(call, scene.registry) and call.argument("reduction") == "mean":
        target = scene.recording.known(call.ref("target"))
        return None if target is None else target.elements
    return None


def _added_up(scene: Scene) -> Suspicion | None:
    backward = [c for c in scene.recording.calls if short(c) == "backward" and c.inputs()]
    if len(backward) < 2 or scene.gradients == {} or Source(scene.recording.source).clears_gradients:
        return None
    wanted = next(iter(_wanted(scene)), None)
    if wanted is None:
        return None
    last = backward[-1]
    passes = [c for c in backward if c.inputs()[0] in scene.makers][-_MOST_PASSES:]
    trials = tuple(_of_one_pass(wanted, c, of_last=c is last) for c in passes)
    found = _suspicion(
        scene, wanted, last, None, said("of the last backward() alone"),
        said("{name}.grad is {held}, not {wanted}: backward() runs {count} times, and each adds its gradient.",
             **_facts(wanted), count=len(backward)),
        fixes.fix(scene, _cleared(scene, last, wanted.name), "likely",
                  said("Clear the gradient before the next backward().")),
    )  # fmt: skip
    return replace(found, trials=trials) if trials else None


def _of_one_pass(wanted: Wanted, call: Call, *, of_last: bool) -> Trial:
    """The gradient that one backward() alone gives."""
    rerun = gradient_rerun(wanted.leaf, start=call.inputs()[0])
    what = said("of the last backward() alone") if of_last else said("of the backward() in line {line} alone",
                                                                     line=line_of(call))  # fmt: skip
    return Trial(said("the gradient of {name} {what}", name=wanted.name, what=what), rerun, "gradient",
                 wanted=wanted.claim)  # fmt: skip


def _cleared(scene: Scene, last: Call, name: str) -> str | None:
    source = Source(scene.recording.source)
    node = source.call_at(last.span)
    if node is None or not name.isidentifier():
        return None
    start = source.piece(node)[0]
    return source.replaced((start, start), f"{name}.grad = None\n{' ' * node.col_offset}")


def _without_half(scene: Scene) -> Suspicion | None:
    wanted = next((w for w in _wanted(scene) if math.isclose(w.times, 0.5, rel_tol=0.02)), None)
    square = next((c for c in reversed(scene.needed()) if _squares(c)), None)
    made = scene.maker(scene.recording.subject)
    if wanted is None or square is None or made is None:
        return None
    return _suspicion(
        scene, wanted, square, followed_by(made, "torch.mul", other=0.5), said("with ½ before the loss"),
        said("{name}.grad is {held}, not {wanted}: the derivative of the square in line {line} is 2u, that of ½u² "
             "would be u.", **_facts(wanted), line=line_of(square)),
        fixes.fix(scene, None, "choose", said("Put 0.5 * before the loss where the gradient is to have no 2.")),
    )  # fmt: skip


def _squares(call: Call) -> bool:
    return short(call) in ("square", "mse_loss") or (short(call) == "pow" and call.argument("exponent") == 2)


def _facts(wanted: Wanted) -> dict[str, str]:
    """The gradient as it is and as it was expected, both in few digits."""
    held = wanted.held.reshape(-1)
    return {
        "name": wanted.name,
        "held": row(held) if wanted.held.ndim else row(held)[1:-1],
        "wanted": wanted.claim.text or str(wanted.claim.value),
    }


def _suspicion(
    scene: Scene, wanted: Wanted, call: Call, edit: Edit | None, what: Message, verdict: Message, fix: Fix
) -> Suspicion:
    text = said("the gradient of {name} {what}", name=wanted.name, what=what)
    rerun = gradient_rerun(wanted.leaf, *(() if edit is None else (edit,)))
    trial = Trial(text, rerun, "gradient", wanted=wanted.claim)
    evidence = said("It is {times} times what you expect.", times=number(1 / wanted.times))
    return Suspicion(call.index, verdict, (evidence,), (trial,), fix, only_proven=True)
