"""Tensors on two devices: what the CPU, where everything is run here, does not mind and a GPU refuses."""

from __future__ import annotations

import ast

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import atom, known_as, written
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_MODEL = "torch.manual_seed(0)\nmodel = nn.Linear(2, 2).to('cuda')\nx = torch.ones(1, 2){}\n"
_LOSS = "loss = F.cross_entropy(model(x), torch.tensor([0], device='cuda'))\nprint(loss)"


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="tensors-on-two-devices",
            family="devices",
            title=said("Tensors are on two devices"),
            explanation=said(
                "torch computes with tensors of one device at a time: Expected all tensors to be on the same device. "
                "A tensor that is made without device= is on the CPU. x.to(device) and x.cuda() return a copy on the "
                "GPU and leave x where it is, so the result has to be kept: x = x.to(device); a module is moved as a "
                "whole. I ran everything on the CPU, so the value is not touched by it."
            ),
            words=(
                "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu",
                "Input type (torch.FloatTensor) and weight type (torch.cuda.FloatTensor) should be the same",
                "tensors on cpu and cuda",
            ),
            losses=frozenset(),
            trigger=_apart,
            positive=_HEAD + _MODEL.format("") + _LOSS,
            control=_HEAD + _MODEL.format(".to('cuda')") + _LOSS,
            harmless=True,
        ),
    )


def _apart(scene: Scene) -> Suspicion | None:
    apart = scene.recording.apart
    call = next((c for c in scene.recording.calls if apart is not None and c.index == apart.call), None)
    if apart is None or call is None or call.span is None or not scene.whole:
        return None
    here, there = (_called(scene, call, id) for id in (apart.here, apart.elsewhere))
    device = next((name for name in scene.recording.adapted if name in ("cuda", "mps", "xpu")), "cuda")
    return Suspicion(
        at=call.index,
        verdict=said("{value} here; on a GPU line {line} stops: {here} is on the CPU, {there} on {device}.",
                     value=stated(scene), line=call.span.line, here=here, there=there, device=device),
        evidence=(said("{function} in line {line} is given both.", function=short(call), line=call.span.line),),
        trials=(),
        fix=fixes.fix(scene, _moved(scene, call, apart.here), "likely",
                      said("Move {here} to the same device, and keep what .to() returns.", here=here)),
    )  # fmt: skip


def _called(scene: Scene, call: Call, id: int) -> str:
    name = scene.recording.tensors[id].name
    if name is not None:
        return name
    parameter = next((a.name for a in call.arguments if call.ref(a.name) == id), short(call))
    return known_as(_at(scene, call), parameter)


def _at(scene: Scene, call: Call) -> Scene:
    return Scene(scene.recording, scene.claims, scene.registry, call, scene.makers)


def _moved(scene: Scene, call: Call, id: int) -> str | None:
    """The program with the tensor moved: where it was left by mistake, else where it is made, else where it is used."""
    source = Source(scene.recording.source)
    move, name = _move(source), scene.recording.tensors[id].name
    if move is None:
        return None
    lost = next((n for n in ast.walk(source.tree) if isinstance(n, ast.Expr) and _moves(n.value, name)), None)
    if lost is not None:
        return source.replaced(source.piece(lost), f"{name} = {source.written(lost.value)}")
    made = scene.makers.get(id)
    node = source.at(made.span) if made is not None and not made.inputs() else None
    if not isinstance(node, ast.expr):
        used = [a.name for a in call.arguments if call.ref(a.name) == id]
        node = written(_at(scene, call), used[0]) if used else None
    return None if node is None else source.replaced(source.piece(node), f"{atom(source, node)}{move}")


def _move(source: Source) -> str | None:
    """How the program moves things: `.cuda()`, or `.to(device)` in its own words."""
    for node in source.calls():
        match node:
            case ast.Call(func=ast.Attribute(attr="cuda"), args=[]):
                return ".cuda()"
            case ast.Call(func=ast.Attribute(attr="to"), args=[device]):
                return f".to({source.written(device)})"
            case ast.Call(keywords=[*_, ast.keyword(arg="device", value=device)]):
                return f".to({source.written(device)})"
            case _:
                pass
    return None


def _moves(node: ast.expr, name: str | None) -> bool:
    """Whether an expression moves the variable and its result is dropped."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=moved), attr="to" | "cuda")):
            return moved == name
        case _:
            return False
