"""Calls that are written wrongly: a class for a function, arguments swapped, or of a name there is not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, rewritten, written
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, last_name, without_keyword
from explainers.diagnoses.wording import described, shape
from explainers.losses.registry import Registry
from explainers.messages import Message, said
from explainers.recording import Raised

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_DATA = "logits = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ntarget = torch.tensor([0, 1])\n"
_RIGHT = _HEAD + _DATA + "nn.CrossEntropyLoss()(logits, target)"
_NAMES = re.compile(r"""['"](\w+)['"]""")
_SURPLUS = re.compile(
    r"takes (?:from (?P<least>\d+) to )?(?P<most>\d+) positional arguments? but (?P<given>\d+) (?:positional|was|were)"
)
_SHORTER = said("Leave the last ones out.")
_LONGEST_ARGUMENTS = 60
_TWO = 2
_REDUCTIONS = ("mean", "sum", "none")
_BY_NUMBER = ("none", "mean", "sum")
_OF_NUMPY = {"axis": "dim", "keepdims": "keepdim"}


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="loss-class-called-like-function",
            family="calling",
            title=said("The class of a loss is called instead of an instance"),
            explanation=said(
                "nn.CrossEntropyLoss and its like are classes: their constructor takes options alone, such as weight "
                "or reduction, and so it takes the input and the target for some of them. Where one is a flag, a "
                "tensor of several numbers does not tell whether it is set: that is what is called ambiguous."
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
            dominates=frozenset({"integer-prediction", "ce-target-float-indices", "arguments-do-not-fit"}),
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
            slug="too-many-arguments",
            family="calling",
            title=said("More arguments are passed than there are"),
            explanation=said("What is passed without a name is taken in the order of the function's parameters."),
            words=("positional arguments but", "takes from 2 to"),
            losses=frozenset(),
            trigger=_too_many,
            positive=_HEAD + _DATA + "F.huber_loss(logits, logits, 'mean', 1.0, None, target)",
            control=_HEAD + _DATA + "F.huber_loss(logits, logits, 'mean', 1.0, None)",
            concern="exception",
        ),
        Rule(
            slug="tensor-in-place-of-flag",
            family="calling",
            title=said("A tensor is passed where an old flag is"),
            explanation=said(
                "The third and fourth arguments of these losses are the old flags size_average and reduce. Weights "
                "have a name of their own, and so are passed by it."
            ),
            words=("weight as third argument", "size_average is a tensor", "Boolean value of Tensor weights"),
            losses=frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "soft_margin_loss", "kl_div"}),
            trigger=_flag,
            positive=_HEAD + _DATA + "F.mse_loss(logits, logits.sin(), torch.ones(2, 3))",
            control=_HEAD + _DATA + "F.mse_loss(logits, logits.sin(), weight=torch.ones(2, 3))",
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
    beside = _beside_losses(scene, source, here)
    built = built if beside is None else beside
    named = None if built is None else built.func if beside is not None else _class_of(source, built)
    if built is None or named is None:
        return None
    if raised.type == "RuntimeError" and scene.name != "bool":
        return None
    name = source.written(named)
    _, end = source.piece(named)
    options = "(dim=-1)" if beside is not None and raised.accepts[:1] == ("dim",) else "()"
    changed = source.replaced((end, end), options)
    given = source.written(built)[len(source.written(built.func)) :]
    taken = " ".join(given.split()) if len(given) <= _LONGEST_ARGUMENTS else "(input, target)"
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is a class: call an instance, {call}.", name=name, call=f"{name}{options}{taken}"),
        evidence=(_taken(source, built, raised.accepts if here is not None and _is_within(built, here) else ()),),
        trials=(),
        fix=fixes.fix(scene, changed, "safe", _instance_first(scene.registry, name)),
    )


def _taken(source: Source, built: ast.Call, accepts: tuple[str, ...]) -> Message:
    """What the constructor takes the first two arguments for."""
    first, second = (*(source.written(argument) for argument in built.args[:2]), "")[:2]
    if not second:
        return said("{first} went into the constructor, which takes options alone.", first=first)
    if len(accepts) >= _TWO:
        return said("{first} went into the parameter {one}, {second} into {other}.",
                    first=first, second=second, one=accepts[0], other=accepts[1])  # fmt: skip
    return said("{first} and {second} went into the constructor, which takes options alone.",
                first=first, second=second)  # fmt: skip


def _is_within(built: ast.Call, here: ast.AST) -> bool:
    """Whether what raised is the construction, or a name that was looked up on what it gave."""
    return here is built or (isinstance(here, ast.Attribute) and here.value is built)


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


def _beside_losses(scene: Scene, source: Source, here: ast.AST | None) -> ast.Call | None:
    """The construction of a module next to losses, nn.Softmax or nn.CosineSimilarity, that is given a tensor."""
    raised = scene.recording.raised
    node = here.value if isinstance(here, ast.Attribute) else here
    if raised is None or not isinstance(node, ast.Call):
        return None
    modules = {loss.module for loss in scene.registry.losses.values() if not loss.is_loss}
    tensors = {operand.text for operand in raised.operands if operand.kind == "Tensor"}
    given = any(source.written(argument) in tensors for argument in node.args)
    return node if given and last_name(node.func) in modules else None


def _built_from_tensors(source: Source) -> ast.Call | None:
    found = [call for call in source.calls() if _is_construction(call)]
    return found[0] if len(found) == 1 else None


def _swapped(scene: Scene) -> Suspicion | None:
    x, y = scene.given("input"), scene.given("target")
    longer = len(y.shape) > len(x.shape) if scene.name != "binary_cross_entropy" else x.shape == y.shape
    if x.floating or x.dtype.startswith("complex") or not y.floating or not longer:
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
    torchs = _OF_NUMPY.get(keyword.arg)
    similar = torchs if torchs in raised.accepts else raised.similar
    renamed = source.replaced((start, start + len(keyword.arg)), similar) if similar else None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{function} has no argument {name}.", function=source.written(node.func), name=keyword.arg),
        evidence=tuple(_accepted(raised)),
        trials=(),
        fix=fixes.fix(scene, renamed, "likely", said("Perhaps {name} is meant.", name=similar))
        if renamed
        else fixes.fix(scene, without_keyword(source, node, keyword), "choose", said("Leave it out.")),
        alternatives=(fixes.fix(scene, without_keyword(source, node, keyword), "choose", said("Leave it out.")),),
    )


def _accepted(raised: Raised) -> Iterator[Message]:
    """The arguments of what was called, where torch names them."""
    names = ", ".join(name for name in raised.accepts if name != "self")
    if names:
        yield said("It takes {accepts}.", accepts=names)


def _too_many(scene: Scene) -> Suspicion | None:
    raised, source = scene.recording.raised, Source(scene.recording.source)
    found = _SURPLUS.search(raised.message) if raised is not None and raised.type == "TypeError" else None
    node = source.at(raised.span) if raised is not None else None
    if raised is None or found is None or not isinstance(node, ast.Call):
        return None
    most, given, least = int(found["most"]), int(found["given"]), int(found["least"] or found["most"])
    kept = [k for k in (len(node.args) - given + count for count in (most, least)) if 0 < k < len(node.args)]
    pieces = [(source.piece(node.args[k - 1])[1], source.piece(node.args[-1])[1]) for k in dict.fromkeys(kept)]
    shorter = [fixes.fix(scene, source.replaced(piece, ""), "choose", _SHORTER) for piece in pieces]
    if not shorter:
        return None
    return Suspicion(
        at=scene.call.index,
        verdict=said("{function} takes {most} arguments at most, and is called with {given}.",
                     function=source.written(node.func), most=most, given=given),
        evidence=tuple(_accepted(raised)),
        trials=(),
        fix=shorter[0],
        alternatives=tuple(shorter[1:]),
    )  # fmt: skip


def _flag(scene: Scene) -> Suspicion | None:
    flag = next((name for name in ("size_average", "reduce") if scene.tensor(name) is not None), None)
    node = None if flag is None else written(scene, flag)
    if flag is None or node is None:
        return None
    source, has_weight = Source(scene.recording.source), any(a.name == "weight" for a in scene.call.arguments)
    named = said("Pass the weights by their name.")
    weighted = source.replaced(source.piece(node), f"weight={source.written(node)}")
    changes = (fixes.fix(scene, weighted, "likely", named),) if has_weight else ()
    plain = fixes.fix(scene, source.replaced(source.piece(node), "None"), "choose", said("Leave it out."))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} is taken for the flag {flag} of {function}.", name=known_as(scene, flag), flag=flag,
                     function=scene.name),
        evidence=(described(known_as(scene, flag), scene.given(flag)),),
        trials=(),
        fix=(*changes, plain)[0],
        alternatives=(*changes, plain)[1:],
    )  # fmt: skip


def _reduction(scene: Scene) -> Suspicion | None:
    given = scene.call.argument("reduction")
    if not isinstance(given, str):
        return _no_word(scene)
    if given in _REDUCTIONS or (given == "batchmean" and scene.name == "kl_div"):
        return None
    meant = "sum" if "sum" in given.lower() else "none" if given.lower() in ("no", "null", "") else "mean"
    return _other_reduction(scene, given, meant)


def _no_word(scene: Scene) -> Suspicion | None:
    """None, or one of the numbers that torch has for the reductions inside, where torch refused it."""
    raised, given = scene.recording.raised, scene.call.argument("reduction")
    if raised is None or not raised.message.startswith(f"{given} is not "):
        return None
    if isinstance(given, int) and 0 <= given < len(_BY_NUMBER):
        return _other_reduction(scene, given, _BY_NUMBER[given])
    return _other_reduction(scene, given, "none" if given is None else "mean")


def _other_reduction(scene: Scene, given: object, meant: str) -> Suspicion:
    source = Source(scene.recording.source)
    named = [k.value for c in source.calls() for k in c.keywords if k.arg == "reduction"]
    alike = named or list(ast.walk(source.tree))
    places = [n for n in alike if isinstance(n, ast.Constant) and n.value == given and type(n.value) is type(given)]
    changed = source.replaced(source.piece(places[0]), f"'{meant}'") if len(places) == 1 else None
    return Suspicion(
        at=scene.call.index,
        verdict=said(
            "{given} is no reduction of {function}: mean, sum or none.", given=repr(given), function=scene.name
        ),
        evidence=(said("The nearest one is '{meant}'.", meant=meant),),
        trials=(),
        fix=fixes.fix(scene, changed, "likely", said("Name a reduction that there is.")),
    )
