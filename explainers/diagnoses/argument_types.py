"""Arguments of another type than the function takes: text for a number, a list for a tensor, a float for an int."""

from __future__ import annotations

import ast
import inspect
import math
import re

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.operands import rewritten
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Piece, Source, without_keyword
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_PAIR = _HEAD + "a = torch.tensor([1.0, 2.0])\nb = torch.tensor([1.5, 1.0])\n"
_REFUSED = re.compile(r"(\w+)\(\): argument '(\w+)'(?: \(position (\d+)\))? must be (.+?), not (\w+)")
_ASSIGNED = re.compile(r"cannot assign '(?P<found>\w+)' object to buffer '(?P<name>\w+)'")
_NUMBERS = ("float", "Number", "int", "tuple of ints")

_ONE_FOR_ALL = said(
    "Such an option is one number for the whole call; of a tensor of one element item() gives it. For another number "
    "per item, call the loss once for each, or write its formula out by hand with torch.where, where the number may "
    "be a tensor."
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="argument-of-another-type",
            family="calling",
            title=said("An argument is of another type than the function takes"),
            explanation=said(
                "torch converts few types by itself: an option that is a number has to be one and no text, and what "
                "it computes with has to be a tensor, no list."
            ),
            words=("must be float, not str", "must be int, not str", "must be Tensor, not list",
                   "cannot assign 'float' object to buffer"),
            losses=frozenset(),
            trigger=_another_type,
            positive=_PAIR + "F.smooth_l1_loss(a, b, beta='0.5')",
            control=_PAIR + "F.smooth_l1_loss(a, b, beta=0.5)",
            concern="exception",
        ),
    )  # fmt: skip


def _another_type(scene: Scene) -> Suspicion | None:
    raised = scene.recording.raised
    refused = _REFUSED.search(raised.message) if raised is not None and raised.type == "TypeError" else None
    assigned = _ASSIGNED.search(raised.message) if raised is not None else None
    text_for = None if refused or assigned else _text_for_number(scene)
    if raised is None or (refused is None and assigned is None and text_for is None):
        return None
    name, wanted, found = (text_for or "", "float" if text_for else "Tensor", "str" if text_for else "")
    position: int | None = None
    if refused is not None:
        name, wanted, found = refused[2], refused[4], refused[5]
        position = int(refused[3]) - 1 if refused[3] else None
    elif assigned is not None:
        name, found = assigned["name"], assigned["found"]
    if wanted.startswith("Tensor") and scene.call.function and assigned is None:
        return None  # the recorded call shows which of its arguments is no tensor
    source = Source(scene.recording.source)
    node = source.at(raised.span)
    value = _passed(scene, node, name, position) if isinstance(node, ast.Call) else None
    changes = _changes(scene, source, node, value, name, wanted) if isinstance(node, ast.Call) and value else ()
    text = "" if value is None else source.written(value)
    called = source.written(node.func) if isinstance(node, ast.Call) else scene.name
    return Suspicion(
        at=scene.call.index,
        verdict=said("{function} takes {wanted} as {argument}, not {found}.",
                     function=called, wanted=wanted, argument=name, found=found),
        evidence=(
            *((said("{argument} is {text} here.", argument=name, text=text),) if text else ()),
            *((_ONE_FOR_ALL,) if found == "Tensor" and wanted.startswith(_NUMBERS[:3]) else ()),
        ),
        trials=(),
        fix=next(iter(changes), fixes.fix(scene, None, "choose", said("Pass {names}.", names=wanted))),
        alternatives=changes[1:],
    )  # fmt: skip


def _text_for_number(scene: Scene) -> str | None:
    """An option that holds text, where the loss has a number by default."""
    loss = scene.registry.of(scene.call.function)
    options = inspect.signature(loss.program).parameters if loss is not None else {}
    numbers = (
        name
        for name, option in options.items()
        if isinstance(option.default, int | float) and not isinstance(option.default, bool)
    )
    return next((name for name in numbers if isinstance(scene.call.argument(name), str)), None)


def _changes(scene: Scene, source: Source, node: ast.Call, value: ast.expr, name: str, wanted: str) -> tuple[Fix, ...]:
    """The argument converted, and where it was named the call without it."""
    text, keyword = _converted(source, value, wanted), next((k for k in node.keywords if k.arg == name), None)
    note = said("Pass {names}.", names=wanted)
    pieces = [] if text is None else [(source.piece(value), text), *_alike(source, node, value, wanted)]
    made = (fixes.fix(scene, rewritten(source, pieces), "safe", note),) if pieces else ()
    left = said("Leave it out, so that it has its default.")
    without = () if keyword is None else (fixes.fix(scene, without_keyword(source, node, keyword), "choose", left),)
    return (*made, *without)


def _alike(source: Source, node: ast.Call, value: ast.expr, wanted: str) -> list[tuple[Piece, str]]:
    """The other lists among the arguments of a call that wants a tensor in the place of one."""
    if not wanted.startswith("Tensor") or not isinstance(value, ast.List):
        return []
    others = (a for a in node.args if isinstance(a, ast.List) and a is not value)
    return [(source.piece(a), f"torch.tensor({source.written(a)})") for a in others]


def _passed(scene: Scene, node: ast.Call, name: str, position: int | None) -> ast.expr | None:
    """What is passed as an argument: by its name, in its place in the signature, else where torch counts it."""
    keyword = next((k.value for k in node.keywords if k.arg == name), None)
    raised = scene.recording.raised
    accepts = [a for a in raised.accepts if a != "self"] if raised is not None else []
    place = accepts.index(name) if name in accepts else position
    return node.args[place] if keyword is None and place is not None and place < len(node.args) else keyword


def _converted(source: Source, value: ast.expr, wanted: str) -> str | None:
    """How the value is written as the wanted type; None where it says no such thing."""
    text = source.written(value)
    if wanted.startswith("Tensor"):
        return f"torch.tensor({text})"
    if not wanted.startswith(_NUMBERS):
        return None
    try:
        number = float(ast.literal_eval(text)) if isinstance(value, ast.Constant) else None
    except (ValueError, TypeError):
        return None
    if number is None or not math.isfinite(number):
        return None
    return str(int(number)) if wanted.startswith(("int", "tuple of ints")) else repr(number)
