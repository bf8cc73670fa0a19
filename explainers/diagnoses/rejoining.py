"""A tensor put back where a program goes on with its numbers alone, so that the gradient finds its way again."""

from __future__ import annotations

import ast

from explainers.diagnoses.cuts import makes_anew
from explainers.diagnoses.operands import atom
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.source_edits import Source
from explainers.recording import Argument, Call, Items, Ref, Value
from explainers.reruns import Edit, SwapFunction

_NUMBERS = frozenset({"item", "float"})
_MAKERS = frozenset({"torch.tensor", "torch.as_tensor"})


def rejoined(scene: Scene, cut: Call) -> tuple[Edit, ...]:
    """The recorded calls on the way to the subject that got a number which the cut read, on the tensor it was read of.

    Of a call that makes a tensor anew: the same tensor as a stack of what it was made of. None where nothing on the
    way got just that number.
    """
    if makes_anew(cut):
        made = _kept(cut, cut.arguments)
        return () if made is None else (made,)
    number, id = _read(scene, cut), next(iter(cut.inputs()), None)
    if number is None or id is None:
        return ()
    users = [call for call in scene.needed() if call.index > cut.index and _gets(scene, call, number, cut)]
    edits = [_kept(call, tuple(Argument(a.name, _put(a.value, number, id)) for a in call.arguments)) for call in users]
    return tuple(edit for edit in edits if edit is not None)


def goes_on_with(scene: Scene, cut: Call) -> bool:
    """Whether a call on the way to the subject gets a number that was computed from the one read."""
    if short(cut) not in _NUMBERS or cut.span is None:
        return False
    users = (c for c in scene.needed() if c.index > cut.index and c.span is not None and _floating(c))
    return any(_is_linked(scene, call, cut) for call in users)


def rejoined_source(scene: Scene, cut: Call) -> str | None:
    """The program with the tensor itself in the place of the number read, or stacked in place of made anew."""
    source = Source(scene.recording.source)
    node = source.call_at(cut.span)
    if node is None or not (rejoined(scene, cut) or goes_on_with(scene, cut)):
        return None
    if makes_anew(cut):
        data = node.args[0] if node.args else None
        stacked = isinstance(cut.argument("data"), Items)
        text = None if data is None else source.written(data)
        return text and source.replaced(source.piece(node), f"torch.stack({text})" if stacked else text)
    around = next((c for c in source.calls() if c.args and c.args[0] is node and _makes(c)), None)
    inner = _inner(node)
    if inner is None:
        return None
    if around is not None:
        return source.replaced(source.piece(around), source.written(inner))
    return source.replaced(source.piece(node), atom(source, inner))


def _makes(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr in ("tensor", "as_tensor", "from_numpy")


def _inner(node: ast.Call) -> ast.expr | None:
    """`a` of `a.item()`, `a.detach().item()` and `float(a)`."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Attribute(value=inner, attr="detach")))):
            return inner
        case ast.Call(func=ast.Attribute(value=inner)) if not node.args:
            return inner
        case ast.Call(func=ast.Name("float"), args=[inner]):
            return inner
        case _:
            return None


def _read(scene: Scene, cut: Call) -> float | None:
    """The number that a call read of a tensor."""
    held = scene.held(next(iter(cut.inputs()), None)) if short(cut) in _NUMBERS else None
    return float(held.reshape(-1)[0]) if held is not None and held.size == 1 else None


def _gets(scene: Scene, call: Call, number: float, cut: Call) -> bool:
    """Whether a call got the number that was read, and not another one that happens to be the same."""
    if not any(_holds(argument.value, number) for argument in call.arguments):
        return False
    return not number.is_integer() or call.span is None or cut.span is None or _is_linked(scene, call, cut)


def _is_linked(scene: Scene, call: Call, cut: Call) -> bool:
    """Whether a call is written around the one that read, or uses what its statement was assigned to."""
    if call.span is None or cut.span is None:
        return False
    names = _assigned(scene, cut)
    written = Source(scene.recording.source).at(call.span)
    used = {node.id for node in ast.walk(written) if isinstance(node, ast.Name)} if written is not None else set[str]()
    return cut.span.text in call.span.text or bool(names & used)


def _assigned(scene: Scene, cut: Call) -> set[str]:
    """The names that the statement of a call assigns to."""
    line = 0 if cut.span is None else cut.span.line
    statements = (n for n in ast.walk(Source(scene.recording.source).tree) if isinstance(n, ast.Assign | ast.AugAssign))
    here = [n for n in statements if n.lineno <= line <= (n.end_lineno or n.lineno)]
    targets = [t for n in here for t in (n.targets if isinstance(n, ast.Assign) else [n.target])]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _floating(call: Call) -> bool:
    """Whether a plain number with a fraction is among the operands of a call."""
    return any(isinstance(argument.value, float) for argument in call.arguments)


def _holds(value: Value, number: float) -> bool:
    match value:
        case float():
            return value == number
        case Items(_, items):
            return any(_holds(item, number) for item in items)
        case _:
            return False


def _put(value: Value, number: float, id: int) -> Value:
    match value:
        case float() if value == number:
            return Ref(id)
        case Items(kind, items):
            return Items(kind, tuple(_put(item, number, id) for item in items))
        case _:
            return value


def _kept(call: Call, arguments: tuple[Argument, ...]) -> SwapFunction | None:
    """The call on these arguments; of one that makes a tensor anew, what it would have to be to keep the history."""
    if call.function not in _MAKERS:
        return SwapFunction(call.index, call.function, arguments)
    data = next((a.value for a in arguments if a.name == "data"), None)
    match data:
        case Ref():
            return SwapFunction(call.index, "torch.clone", (Argument("input", data),))
        case Items(_, items) if items and all(isinstance(item, Ref) for item in items):
            return SwapFunction(call.index, "torch.stack", (Argument("tensors", data),))
        case _:
            return None
