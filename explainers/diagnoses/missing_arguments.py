"""A call that lacks an argument: which one, of what shape and dtype, and the call with one that fits."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.fitting import Shape
from explainers.diagnoses.placeholders import Placeholder, placeholder
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source
from explainers.messages import said
from explainers.recording import Raised

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_DATA = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ntarget = torch.tensor([0, 1])\n"
_MISSING = re.compile(r"(\w+)(?:\.forward)?\(\) missing \d+ required positional arguments?: (.*)")
_NAMES = re.compile(r"""['"](\w+)['"]""")
_LIKE_TARGETS = ("target", "targets", "label", "labels", "y", "y_true", "gt", "t")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="missing-argument",
            family="calling",
            title=said("An argument is missing"),
            explanation=said("A loss compares two things, so it is called with the input and the target."),
            words=("missing 1 required positional argument", "missing target", "forward() missing"),
            losses=frozenset(),
            trigger=_missing,
            positive=_HEAD + _DATA + "criterion = nn.CrossEntropyLoss()\ncriterion(logits)",
            control=_HEAD + _DATA + "nn.CrossEntropyLoss()(logits, target)",
            concern="exception",
        ),
    )


def _missing(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    found = _MISSING.search(raised.message) if raised is not None and raised.type == "TypeError" else None
    if raised is None or found is None:
        return None
    names = _NAMES.findall(found[2])
    node = source.at(raised.span)
    called = source.written(node.func) if isinstance(node, ast.Call) else raised.type
    fits = _placeholders(scene, raised, found[1], names, node) if isinstance(node, ast.Call) else ()
    changes = _changes(scene, source, node, names, fits) if isinstance(node, ast.Call) else ()
    return Suspicion(
        at=scene.call.index,
        verdict=said("{function} is called without {names}.", function=called, names=" and ".join(names)),
        evidence=(
            said(
                "It takes {accepts}.", accepts=", ".join(a for a in raised.accepts if a != "self") or ", ".join(names)
            ),
            *(fit.words for fit in fits),
        ),
        trials=(),
        fix=next(iter(changes), fixes.fix(scene, None, "choose", said("Pass {names}.", names=", ".join(names)))),
        alternatives=changes[1:],
    )


def _changes(
    scene: Scene, source: Source, node: ast.Call, names: list[str], fits: tuple[Placeholder, ...]
) -> tuple[Fix, ...]:
    """The call with a variable of the program that may be meant, and with what only has the right shape."""
    listed = ", ".join(names)
    given = _at_hand(source, node, names)
    at_hand = (fixes.fix(scene, _with(source, node, given), "choose", said("Pass {names}.", names=listed)),)
    filled = ", ".join(f"{name}={fit.text}" for name, fit in zip(names, fits, strict=False))
    note = said("Pass your own {names}: what stands there only has its shape and dtype.", names=listed)
    standing = (fixes.fix(scene, _with(source, node, filled), "choose", note),)
    return (*(at_hand if given else ()), *(standing if fits else ()))


def _placeholders(
    scene: Scene, raised: Raised, called: str, names: list[str], node: ast.Call
) -> tuple[Placeholder, ...]:
    """What may stand for every missing argument; none where that is not known of all of them."""
    modules = {loss.module: loss.name for loss in scene.registry.losses.values() if loss.module is not None}
    loss = scene.registry.losses.get(modules.get(called, called))
    known = raised.accepts or (tuple(inspect.signature(loss.program).parameters) if loss is not None else ())
    shapes = _shapes(scene, raised, node, [name.rstrip("_") for name in known if name != "self"])
    found = [placeholder(modules.get(called, called), name, shapes) for name in names]
    return tuple(one for one in found if one is not None) if all(found) else ()


def _shapes(scene: Scene, raised: Raised, node: ast.Call, accepts: list[str]) -> Mapping[str, Shape]:
    """The shapes of the tensors that were given, by parameter."""
    given = [*zip(accepts, node.args, strict=False), *((k.arg, k.value) for k in node.keywords if k.arg)]
    found = {name: _shape(scene, raised, value) for name, value in given}
    return {name: shape for name, shape in found.items() if shape is not None}


def _shape(scene: Scene, raised: Raised, node: ast.expr) -> Shape | None:
    """The shape of a variable that stood in the call, or of what a recorded call returned there."""
    source = Source(scene.recording.source)
    text, piece = source.written(node), source.piece(node)
    named = next((operand.shape for operand in raised.operands if operand.text == text), None)
    if named is not None or isinstance(node, ast.Name):
        return named
    made = (c for c in scene.recording.calls if (at := source.at(c.span)) is not None and source.piece(at) == piece)
    outputs = next((call.outputs for call in made), ())
    return scene.recording.tensors[outputs[0]].shape if len(outputs) == 1 else None


def _at_hand(source: Source, node: ast.Call, wanted: list[str]) -> str | None:
    """What may be missing: the last axis for `dim`, else a variable of the program that has the parameter's name or is
    named as targets are."""
    if wanted == ["dim"]:
        return "dim=-1"
    assigned = {n.id for n in ast.walk(source.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    alike = (*wanted, *(_LIKE_TARGETS if wanted == ["target"] else ()))
    return next((name for name in alike if name in assigned - used), None) if len(wanted) == 1 else None


def _with(source: Source, node: ast.Call, given: str | None) -> str | None:
    """The program with one more argument at the end of a call."""
    _, end = source.piece(node)
    more = f", {given}" if node.args or node.keywords else given
    return None if given is None or more is None else source.replaced((end - 1, end - 1), more)
