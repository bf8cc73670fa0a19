"""Calls that are written wrongly: a class for a function, arguments swapped, missing, or of a name there is not."""

from __future__ import annotations

import ast
import re

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, rewritten
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.wording import shape
from explainers.losses.registry import Registry
from explainers.messages import Message, said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_DATA = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ntarget = torch.tensor([0, 1])\n"
_RIGHT = _HEAD + _DATA + "nn.CrossEntropyLoss()(logits, target)"
_MISSING = re.compile(r"missing \d+ required positional arguments?: (.*)")
_NAMES = re.compile(r"""['"](\w+)['"]""")
_REDUCTIONS = ("mean", "sum", "none")
_LIKE_TARGETS = ("target", "targets", "label", "labels", "y", "y_true", "gt", "t")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="loss-class-called-like-function",
            family="calling",
            title=said("The class of a loss is called instead of an instance"),
            explanation=said(
                "nn.CrossEntropyLoss and its like are classes: their constructor takes options such as weight, so it "
                "takes the input for class weights and the target for a flag. Whether the flag is set cannot be told "
                "of a tensor of several numbers: that is what is called ambiguous."
            ),
            words=(
                "Boolean value of Tensor with more than one value is ambiguous",
                "nn.CrossEntropyLoss(output, target)",
            ),
            losses=frozenset(),
            trigger=_class_called,
            positive=_HEAD + _DATA + "loss = nn.CrossEntropyLoss(logits, target)",
            control=_RIGHT,
            concern="exception",
            dominates=frozenset({"needs-one-element"}),
        ),
        Rule(
            slug="arguments-swapped",
            family="calling",
            title=said("Input and target are swapped"),
            explanation=said("Losses take the input (what the model gives) first and the target second."),
            words=("arguments swapped", "target and input order", "log_softmax_lastdim_kernel_impl not implemented"),
            losses=frozenset({"cross_entropy", "nll_loss", "binary_cross_entropy"}),
            trigger=_swapped,
            positive=_HEAD + _DATA + "F.cross_entropy(target, logits)",
            control=_RIGHT,
            concern="exception",
            dominates=frozenset({"integer-prediction", "ce-target-float-indices"}),
        ),
        Rule(
            slug="missing-argument",
            family="calling",
            title=said("An argument is missing"),
            explanation=said("A loss compares two things, so it is called with the input and the target."),
            words=("missing 1 required positional argument", "missing target", "forward() missing"),
            losses=frozenset(),
            trigger=_missing,
            positive=_HEAD + _DATA + "criterion = nn.CrossEntropyLoss()\ncriterion(logits)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="unknown-argument",
            family="calling",
            title=said("There is no argument of this name"),
            explanation=said("Python passes keywords by name, and the called function has no such parameter."),
            words=("got an unexpected keyword argument", "unexpected keyword"),
            losses=frozenset(),
            trigger=_unknown,
            positive=_HEAD + _DATA + "F.cross_entropy(logits, target, smoothing=0.1)",
            control=_RIGHT,
            concern="exception",
        ),
        Rule(
            slug="unknown-reduction",
            family="calling",
            title=said("There is no reduction of this name"),
            explanation=said("reduction is 'mean', 'sum' or 'none'; kl_div also knows 'batchmean'."),
            words=("is not a valid value for reduction", "elementwise_mean", "reduction avg"),
            losses=frozenset(),
            trigger=_reduction,
            positive=_HEAD + _DATA + "nn.CrossEntropyLoss(reduction='average')(logits, target)",
            control=_RIGHT,
            concern="exception",
        ),
    )


def _class_called(scene: Scene) -> Suspicion | None:
    """A constructor with two arguments where it raised, or earlier where its module was used like a value."""
    raised, source = scene.recording.raised, Source(scene.recording.source)
    if raised is None:
        return None
    here = source.at(raised.span)
    built = here if isinstance(here, ast.Call) else _built_from_tensors(source) if raised.lacked else None
    named = _class_of(source, built) if built is not None else None
    if built is None or named is None:
        return None
    if raised.type == "RuntimeError" and scene.name != "bool":
        return None
    name = source.written(named)
    _, end = source.piece(named)
    changed = source.replaced((end, end), "()")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is a class: call an instance, {name}()(input, target).", name=name),
        evidence=(
            said("{first} went into the parameter weight, {second} into size_average.",
                 first=source.written(built.args[0]), second=source.written(built.args[1])),
        ),
        trials=(),
        fix=fixes.fix(scene, changed, "safe", _instance_first(scene.registry, name)),
    )  # fmt: skip


def _instance_first(losses: Registry, name: str) -> Message:
    """The instance, or the function of torch.nn.functional that does the same."""
    last = name.rpartition(".")[2]
    same = next((loss.name for loss in losses.losses.values() if loss.module == last), None)
    if same is None:
        return said("Create the module first: {name}().", name=name)
    return said("Create the module first, {name}(), or call the function F.{function}.", name=name, function=same)


def _class_of(source: Source, built: ast.Call) -> ast.expr | None:
    """The class as it is written where it is called, or where a variable that is called was bound to it."""
    if _is_construction(built):
        return built.func
    if not isinstance(built.func, ast.Name) or len(built.args) < 2:
        return None
    for node in ast.walk(source.tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute() | ast.Name() as value):
                if name == built.func.id and last_name(value)[:1].isupper() and last_name(value).endswith("Loss"):
                    return value
            case _:
                pass
    return None


def _is_construction(node: ast.Call) -> bool:
    """`nn.SomethingLoss(a, b)` with two things in it that are no options."""
    plain = [a for a in node.args if not isinstance(a, ast.Constant | ast.Starred)]
    return last_name(node.func)[:1].isupper() and last_name(node.func).endswith("Loss") and len(plain) >= 2


def _built_from_tensors(source: Source) -> ast.Call | None:
    found = [call for call in source.calls() if _is_construction(call)]
    return found[0] if len(found) == 1 else None


def _swapped(scene: Scene) -> Suspicion | None:
    x, y = scene.given("input"), scene.given("target")
    longer = len(y.shape) > len(x.shape) if scene.name != "binary_cross_entropy" else x.shape == y.shape
    if x.floating or not y.floating or not longer:
        return None
    names = {"first": known_as(scene, "input"), "second": known_as(scene, "target")}
    return Suspicion(
        at=scene.call.index,
        verdict=said("{first} and {second} are swapped: {function} takes the input first, then the target.",
                     function=scene.name, **names),
        evidence=(
            said("{first}, the first argument, is {dtype} of shape {shape}; {second} is {other} of shape {wide}.",
                 dtype=x.dtype, shape=shape(x.shape), other=y.dtype, wide=shape(y.shape), **names),
        ),
        trials=(),
        fix=fixes.fix(scene, _exchanged(scene), "safe", said("Pass the input first.")),
    )  # fmt: skip


def _exchanged(scene: Scene) -> str | None:
    source = Source(scene.recording.source)
    node = source.at(scene.call.span)
    if not isinstance(node, ast.Call) or len(node.args) < 2:
        return None
    first, second = node.args[:2]
    cast = "" if scene.name != "binary_cross_entropy" else ".float()"
    return rewritten(
        source,
        [(source.piece(first), source.written(second)), (source.piece(second), source.written(first) + cast)],
    )


def _missing(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    found = _MISSING.search(raised.message) if raised is not None and raised.type == "TypeError" else None
    if raised is None or found is None:
        return None
    names = _NAMES.findall(found[1])
    node = source.at(raised.span)
    called = source.written(node.func) if isinstance(node, ast.Call) else raised.type
    given = _at_hand(source, node, names) if isinstance(node, ast.Call) else None
    changed = _with(source, node, given) if isinstance(node, ast.Call) and given else None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{function} is called without {names}.", function=called, names=" and ".join(names)),
        evidence=(
            said(
                "It takes {accepts}.", accepts=", ".join(a for a in raised.accepts if a != "self") or ", ".join(names)
            ),
        ),
        trials=(),
        fix=fixes.fix(scene, changed, "choose", said("Pass {names}.", names=", ".join(names))),
    )


def _at_hand(source: Source, node: ast.Call, wanted: list[str]) -> str | None:
    """What may be missing: the last axis for `dim`, else a variable of the program that has the parameter's name or is
    named as targets are."""
    if wanted == ["dim"]:
        return "dim=-1"
    assigned = {n.id for n in ast.walk(source.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    alike = (*wanted, *(_LIKE_TARGETS if wanted == ["target"] else ()))
    return next((name for name in alike if name in assigned - used), None) if len(wanted) == 1 else None


def _with(source: Source, node: ast.Call, given: str) -> str:
    """The program with one more argument at the end of a call."""
    _, end = source.piece(node)
    return source.replaced((end - 1, end - 1), f", {given}" if node.args or node.keywords else given)


def _unknown(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    if raised is None or raised.type != "TypeError" or "keyword argument" not in raised.message:
        return None
    node = source.at(raised.span)
    quoted = _NAMES.findall(raised.message)
    keyword = next((k for k in node.keywords if k.arg in quoted), None) if isinstance(node, ast.Call) else None
    if not isinstance(node, ast.Call) or keyword is None or keyword.arg is None:
        return None
    start, _ = source.piece(keyword)
    renamed = source.replaced((start, start + len(keyword.arg)), raised.similar) if raised.similar else None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{function} has no argument {name}.", function=source.written(node.func), name=keyword.arg),
        evidence=(said("It takes {accepts}.", accepts=", ".join(a for a in raised.accepts if a != "self")),),
        trials=(),
        fix=fixes.fix(scene, renamed, "likely", said("Perhaps {name} is meant.", name=raised.similar))
        if renamed
        else fixes.fix(scene, _without(source, node, keyword), "choose", said("Leave it out.")),
        alternatives=(fixes.fix(scene, _without(source, node, keyword), "choose", said("Leave it out.")),),
    )


def _without(source: Source, node: ast.Call, keyword: ast.keyword) -> str:
    """The program without one keyword and the comma before or behind it."""
    start, end = source.piece(keyword)
    before = [source.piece(a)[1] for a in (*node.args, *node.keywords) if source.piece(a)[1] <= start]
    behind = [source.piece(k)[0] for k in node.keywords if source.piece(k)[0] >= end]
    piece = (max(before), end) if before else (start, min(behind) if behind else end)
    return source.replaced(piece, "")


def _reduction(scene: Scene) -> Suspicion | None:
    given = scene.call.argument("reduction")
    if not isinstance(given, str) or given in _REDUCTIONS or (given == "batchmean" and scene.name == "kl_div"):
        return None
    meant = "sum" if "sum" in given.lower() else "none" if given.lower() in ("no", "null", "") else "mean"
    source = Source(scene.recording.source)
    places = [n for n in ast.walk(source.tree) if isinstance(n, ast.Constant) and n.value == given]
    changed = source.replaced(source.piece(places[0]), f"'{meant}'") if len(places) == 1 else None
    return Suspicion(
        at=scene.call.index,
        verdict=said("'{given}' is no reduction of {function}: mean, sum or none.", given=given, function=scene.name),
        evidence=(said("The nearest one is '{meant}'.", meant=meant),),
        trials=(),
        fix=fixes.fix(scene, changed, "likely", said("Name a reduction that there is.")),
    )
