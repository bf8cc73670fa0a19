"""Backward passes that torch refuses: several numbers, no history, history that was cut."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.cuts import DETACHING, READS, STEPS, cut_before, requires_grad
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.operands import atom, known_as, rewritten
from explainers.diagnoses.scene import Scene, is_library_loss, line_of, short, upstream
from explainers.diagnoses.source_edits import Source, argument, operand
from explainers.diagnoses.wording import code_of, shape
from explainers.messages import Message, said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_LOGITS = (
    "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]], requires_grad=True)\ntarget = torch.tensor([0, 1])\n"
)
_WEIGHT = "w = torch.tensor([1.0, 2.0], requires_grad=True)\ny = torch.tensor([0.5, 1.0])\n"
_RIGHT = _HEAD + _WEIGHT + "loss = F.mse_loss(w * 2, y)\nloss.backward()"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="backward-on-unreduced",
            family="backward",
            title=said("backward() of several numbers"),
            explanation=said(
                "A gradient is that of one number. Of several torch would have to know how to weigh them: reduce the "
                "loss with mean() or sum(), or pass gradient= to backward()."
            ),
            words=("grad can be implicitly created only for scalar outputs", "backward on reduction none"),
            losses=frozenset({"backward"}),
            trigger=_unreduced,
            positive=_HEAD + _WEIGHT + "loss = F.mse_loss(w * 2, y, reduction='none')\nloss.backward()",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="argmax-cuts-gradient",
            family="backward",
            title=said("A step function cuts the gradient"),
            explanation=said(
                "argmax, comparisons and whole numbers jump: a small change of the scores changes nothing, so there "
                "is no gradient to go back through. Train on the scores; use argmax for accuracy only."
            ),
            words=("argmax is not differentiable", "argmax loss backward", "does not have a grad_fn argmax"),
            losses=frozenset({"backward"}),
            trigger=_step,
            positive=_HEAD + _LOGITS + "pred = logits.argmax(dim=1).float()\nloss = F.mse_loss(pred, target.float())\n"
            "loss.backward()",
            control=_HEAD + _LOGITS + "loss = F.cross_entropy(logits, target)\nloss.backward()",
            concern="exception",
        ),
        Rule(
            slug="number-has-no-backward",
            family="backward",
            title=said("backward() of a Python number"),
            explanation=said(
                "item(), float() and tolist() take the number out of the tensor, and a Python number has no history "
                "and no backward(). Call backward() on the tensor, and item() only to print or to add up."
            ),
            words=(
                "'float' object has no attribute 'backward'",
                "item() backward float",
                "cannot call backward after loss.item()",
                "loss is a float",
            ),
            losses=frozenset(),
            trigger=_of_number,
            positive=_HEAD + _WEIGHT + "loss = F.mse_loss(w * 2, y).item()\nloss.backward()",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="detached-loss",
            family="backward",
            title=said("The history of the loss was cut"),
            explanation=said(
                "detach(), .data, .item(), numpy and torch.tensor(…) give the numbers without their history (no "
                "grad_fn), and so does torch.no_grad(). backward() needs that history to find its way to the weights."
            ),
            words=(
                "requires_grad = True before backward",
                "loss requires grad but does not decrease",
                "element 0 of tensors does not require grad and does not have a grad_fn",
                "detach backward",
                "item() backward",
                "no_grad",
            ),
            losses=frozenset({"backward"}),
            trigger=_detached,
            positive=_HEAD + _WEIGHT + "pred = (w * 2).detach()\nloss = F.mse_loss(pred, y)\nloss.backward()",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="no-gradient-wanted",
            family="backward",
            title=said("Nothing asks for a gradient"),
            explanation=said(
                "torch remembers how a number was computed only if something in it requires a gradient: the "
                "parameters of a module do, a tensor of one's own does with requires_grad=True."
            ),
            words=("requires_grad=False backward", "requires_grad missing"),
            losses=frozenset({"backward"}),
            trigger=_unwanted,
            positive=_HEAD + "w = torch.tensor([1.0, 2.0])\nloss = (w ** 2).mean()\nloss.backward()",
            control=_RIGHT,
            concern="exception",
        ),
    )


def _of_number(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    if raised is None or raised.type != "AttributeError" or raised.lacked != "backward":
        return None
    read = next((c for c in reversed(scene.recording.calls) if short(c) in READS), None)
    if read is None:
        return None
    name = short(read)
    return Suspicion(
        at=read.index,
        verdict=said("{name}() in line {line} made a Python number of the loss, which has no backward().",
                     name=name, line=read.span.line if read.span else "?"),
        evidence=(said("The result of {name}() is a number, no tensor.", name=name),),
        trials=(),
        fix=fixes.fix(scene, _as_tensor(scene, read), "safe",
                      said("Keep the tensor; take {name}() of it only to print.", name=name)),
    )  # fmt: skip


def _as_tensor(scene: Scene, read: Call) -> str | None:
    """`loss.item()` written as `loss`."""
    source = Source(scene.recording.source)
    written, inner = source.call_at(read.span), operand(source, read)
    return source.replaced(source.piece(written), source.written(inner)) if written and inner else None


def _unreduced(scene: Scene) -> Suspicion | None:
    loss = scene.given("input")
    if loss.elements == 1 or not loss.requires_grad or scene.call.argument("gradient") is not None:
        return None
    known = known_as(scene, "input")
    name = said("the loss") if known == "input" and loss.name is None else known
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} has shape {shape}: backward() starts from a single number.",
                     name=name, shape=shape(loss.shape)),
        evidence=(said("{name} holds {count} numbers.", name=name, count=loss.elements),),
        trials=(),
        fix=_reduced(scene, "mean"),
        alternatives=(_reduced(scene, "sum"),),
    )  # fmt: skip


def _reduced(scene: Scene, method: str) -> Fix:
    source = Source(scene.recording.source)
    node = source.call_at(scene.call.span)
    start = node.func.value if node is not None and isinstance(node.func, ast.Attribute) else None
    changed = source.replaced(source.piece(start), f"{atom(source, start)}.{method}()") if start is not None else None
    return fixes.fix(scene, changed, "choose", said("Reduce it to one number first: mean() or sum()."))


def _cut(scene: Scene) -> Call | None:
    """What cut the history of the loss that backward() starts from."""
    start = scene.call.ref("input")
    return None if start is None or requires_grad(scene, start) else cut_before(scene, start)


def _place(cut: Call) -> dict[str, object]:
    return {"function": code_of(cut), "line": line_of(cut)}


def _step(scene: Scene) -> Suspicion | None:
    cut = _cut(scene)
    if cut is None or short(cut) not in STEPS or not cut.grad_enabled:
        return None
    return Suspicion(
        at=cut.index,
        verdict=said("{function} in line {line} cuts the gradient: it jumps, so it has no derivative.", **_place(cut)),
        evidence=_cut_told(cut),
        trials=(),
        fix=fixes.fix(scene, _on_scores(scene, cut), "choose",
                      said("Compute the loss on the scores themselves: F.cross_entropy(scores, labels) for classes.")),
    )  # fmt: skip


def _cut_told(cut: Call) -> tuple[Message, ...]:
    code = " ".join(cut.span.text.split())[:60] if cut.span is not None else short(cut)
    return (said("{code} takes a tensor with history and gives one without grad_fn.", code=code),)


def _on_scores(scene: Scene, cut: Call) -> str | None:
    """The loss written as a cross entropy of what the step function was taken of."""
    source, start = Source(scene.recording.source), scene.call.ref("input")
    losses = [c for c in upstream(start, scene.makers) if is_library_loss(c, scene.registry)]
    node = source.call_at(losses[-1].span) if losses else None
    scores = operand(source, cut) if short(cut) in ("argmax", "argmin") else _compared(source, cut)
    target = argument(node, 1, "target") if node is not None else None
    if node is None or scores is None or target is None:
        return None
    wanted = atom(source, target).removesuffix(".float()")
    text = (
        f"F.cross_entropy({source.written(scores)}, {wanted})"
        if short(cut) == "argmax"
        else f"F.binary_cross_entropy_with_logits({source.written(scores)}, {atom(source, target)})"
    )
    return source.replaced(source.piece(node), text)


def _compared(source: Source, cut: Call) -> ast.expr | None:
    node = source.at(cut.span)
    return node.left if isinstance(node, ast.Compare) else None


def _detached(scene: Scene) -> Suspicion | None:
    cut = _cut(scene)
    if cut is None or (short(cut) in STEPS and cut.grad_enabled):
        return None
    return _history_cut(scene, cut) if cut.grad_enabled else _no_history_kept(scene, cut)


def _history_cut(scene: Scene, cut: Call) -> Suspicion:
    return Suspicion(
        at=cut.index,
        verdict=said("{function} in line {line} cuts the gradient: what it gives has no history.", **_place(cut)),
        evidence=_cut_told(cut),
        trials=(),
        fix=fixes.fix(
            scene,
            with_history(scene, cut),
            "likely",
            said("Keep the history: compute the loss from the tensor itself."),
        ),
    )


def _no_history_kept(scene: Scene, cut: Call) -> Suspicion:
    source = Source(scene.recording.source)
    found = [c for c in source.calls() if source.written(c.func).endswith("no_grad")]
    changed = rewritten(source, [(source.piece(found[0].func), "torch.enable_grad")]) if len(found) == 1 else None
    return Suspicion(
        at=cut.index,
        verdict=said("line {line} runs under torch.no_grad(), so no history is kept.", line=_place(cut)["line"]),
        evidence=(said("{function} takes a tensor with history there, and its result has none.", function=short(cut)),),
        trials=(),
        fix=fixes.fix(scene, changed, "likely", said("Compute the loss outside of torch.no_grad().")),
    )


def with_history(scene: Scene, cut: Call) -> str | None:
    """The program without the detaching call, or without the number read and made a tensor again."""
    source = Source(scene.recording.source)
    node = source.at(cut.span)
    if isinstance(node, ast.Attribute) and short(cut) in DETACHING:
        return source.replaced(source.piece(node), atom(source, node.value))
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    inner = node.func.value
    if short(cut) in DETACHING:
        return source.replaced(source.piece(node), atom(source, inner))
    outer = _wrapping(source, node) if short(cut) in READS else None
    if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr in DETACHING:
        inner = inner.func.value
    return source.replaced(source.piece(outer), source.written(inner)) if outer is not None else None


def _wrapping(source: Source, node: ast.Call) -> ast.Call | None:
    """`torch.tensor(node)` or `torch.from_numpy(node)` around a call."""
    return next((c for c in source.calls() if c.args and c.args[0] is node), None)


def _unwanted(scene: Scene) -> Suspicion | None:
    start = scene.call.ref("input")
    if start is None or requires_grad(scene, start) or _cut(scene) is not None:
        return None
    source = Source(scene.recording.source)
    if (frozen := _frozen(source)) is not None:
        return Suspicion(
            at=scene.call.index,
            verdict=said("nothing that the loss is computed from requires a gradient: line {line} freezes it.",
                         line=frozen.lineno),
            evidence=(said("All tensors before it have requires_grad=False."),),
            trials=(),
            fix=fixes.fix(scene, source.replaced(source.piece(frozen), "True"), "choose",
                          said("Let those parameters learn that are to change.")),
        )  # fmt: skip
    made = [c for c in upstream(start, scene.makers) if not c.inputs() and _makes_floats(scene, c)]
    node = next((n for c in made if (n := source.call_at(c.span)) is not None), None)
    changed = None if node is None else _asking(source, node)
    name = scene.recording.tensors[made[0].outputs[0]].name if made else None
    return Suspicion(
        at=scene.call.index,
        verdict=said("nothing that the loss is computed from requires a gradient."),
        evidence=(said("All tensors before it have requires_grad=False."),),
        trials=(),
        fix=fixes.fix(scene, changed, "likely",
                      said("Ask for the gradient of {name}: requires_grad=True.", name=name or "the weights")),
    )  # fmt: skip


def _frozen(source: Source) -> ast.expr | None:
    """The False that is written to requires_grad."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Assign(targets=[ast.Attribute(attr="requires_grad")], value=ast.Constant(value=False) as value):
                return value
            case _:
                pass
    return None


def _makes_floats(scene: Scene, call: Call) -> bool:
    return any(scene.recording.tensors[id].floating for id in call.outputs)


def _asking(source: Source, node: ast.Call) -> str:
    _, end = source.piece(node)
    comma = ", " if node.args or node.keywords else ""
    return source.replaced((end - 1, end - 1), f"{comma}requires_grad=True")
