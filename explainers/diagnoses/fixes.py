"""Fixes as changes of the asker's own lines; where a line can't be rewritten with certainty, only the note is given."""

from __future__ import annotations

import ast
import inspect

from explainers.diagnoses.diagnosis import Applicability, Fix
from explainers.diagnoses.operands import rewritten as rewritten_pieces
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import (
    Source,
    argument,
    diff,
    functional,
    last_name,
    modules_around,
    operand,
    without_keyword,
)
from explainers.messages import Message
from explainers.recording import Call

_FLAGS = ("size_average", "reduce")


def fix(scene: Scene, changed: str | None, applicability: Applicability, note: Message) -> Fix:
    """The fix that turns the asker's program into a changed one; None means that no line could be rewritten."""
    before = scene.recording.source
    if changed is None or changed == before:
        return Fix((), applicability, note)
    return Fix(diff(before, changed), applicability, note, changed)


def without(scene: Scene, activation: Call, passed: str) -> str | None:
    """The program without an activation whose result is passed as an argument of the loss."""
    source = Source(scene.recording.source)
    inner = operand(source, activation)
    if inner is None:
        return _without_layer(source, activation)
    outer = _written_argument(source, scene, passed)
    same_function = _function(activation) == _function(scene.call)
    if isinstance(inner, ast.Name) and isinstance(outer, ast.Name) and outer.id != inner.id and same_function:
        return source.replaced(source.piece(outer), inner.id)
    written = source.call_at(activation.span)
    return None if written is None else _replaced_or_deleted(source, written, inner)


def renamed(scene: Scene, call: Call, function: tuple[str, str], module: tuple[str, str]) -> str | None:
    """The program with another function called, or another module built where a module made the call."""
    source = Source(scene.recording.source)
    written = source.call_at(call.span)
    if written is not None and last_name(written.func) == function[0] and not modules_around(call):
        return _called_by(source, written, function[1])
    built = source.constructors(module[0])
    return _called_by(source, built[0], module[1]) if len(built) == 1 else None


def logits_instead(scene: Scene, sigmoid: Call) -> str | None:
    """The program with binary_cross_entropy of a sigmoid written as the loss of its argument."""
    source = Source(scene.recording.source)
    named, built = "binary_cross_entropy_with_logits", "BCEWithLogitsLoss"
    changed = renamed(scene, scene.call, ("binary_cross_entropy", named), ("BCELoss", built))
    written, inner = source.call_at(sigmoid.span), operand(source, sigmoid)
    if changed is None or written is None or inner is None or not _is_passed_directly(source, scene, written):
        return None
    return changed.replace(source.written(written), _atom(source, inner), 1)


def _is_passed_directly(source: Source, scene: Scene, written: ast.Call) -> bool:
    """Whether the activation is written where the loss is called, and nowhere else alike."""
    return _written_argument(source, scene, "input") is written and source.text.count(source.written(written)) == 1


def sigmoid_instead(scene: Scene, softmax: Call) -> str | None:
    """The program with sigmoid in place of a softmax, whose dimension goes with it."""
    source = Source(scene.recording.source)
    written, inner = source.call_at(softmax.span), operand(source, softmax)
    if written is None or inner is None or modules_around(softmax):
        return None
    return source.replaced(source.piece(written), f"torch.sigmoid({source.written(inner)})")


def followed(scene: Scene, passed: str, method: str) -> str | None:
    """The program with a method called on what is passed to the loss."""
    return rewritten(scene, passed, "{}." + method)


def rewritten(scene: Scene, passed: str, pattern: str) -> str | None:
    """The program with what is passed to the loss put into a pattern such as "({} + 1) / 2"."""
    source = Source(scene.recording.source)
    written = _written_argument(source, scene, passed)
    if written is None:
        return None
    return source.replaced(source.piece(written), pattern.replace("{}", _atom(source, written)))


def exchanged(scene: Scene, one: str, other: str, pattern: str = "{}") -> str | None:
    """The program with two arguments of the loss in each other's place, the first one put into a pattern."""
    source = Source(scene.recording.source)
    first, second = (_written_argument(source, scene, name) for name in (one, other))
    if first is None or second is None or source.piece(first) > source.piece(second):
        return None
    changed = source.replaced(source.piece(second), source.written(first))
    start, end = source.piece(first)
    return changed[:start] + pattern.replace("{}", _atom(source, second)) + changed[end:]


def result_followed(scene: Scene, pattern: str) -> str | None:
    """The program with the value of the loss put into a pattern such as "{}.sqrt()"."""
    source = Source(scene.recording.source)
    written = source.call_at(scene.call.span)
    if written is None:
        return None
    return source.replaced(source.piece(written), pattern.replace("{}", source.written(written)))


def with_option(scene: Scene, call: Call, name: str, text: str | None, position: int | None = None) -> str | None:
    """The program with a keyword set where a call is written, or where the module that makes it is built.

    `text` None takes it out; "{}" in it stands for what is written there. `position`
    is where it may stand without its name in the function that torch has for it.
    """
    source = Source(scene.recording.source)
    written = _options_of(source, call)
    if written is None:
        return None
    if name == "reduction" and text is not None and any(call.argument(flag) is not None for flag in _FLAGS):
        return _in_place_of_flags(source, written, text)
    if (keyword := next((k for k in written.keywords if k.arg == name), None)) is not None:
        kept = _atom(source, keyword.value)
        if text is None:
            return without_keyword(source, written, keyword)
        return source.replaced(source.piece(keyword.value), text.replace("{}", kept))
    place = None if position is None else position - _bound_before(source, call, written)
    if place is not None and 0 <= place < len(written.args):
        return source.replaced(source.piece(written.args[place]), text) if text else None
    return None if text is None else _with_keyword(source, written, f"{name}={text}")


def _in_place_of_flags(source: Source, written: ast.Call, reduction: str) -> str | None:
    """The program with a reduction in place of the old flags, which say another one and would go before it."""
    parts = sorted(source.piece(part) for part in (*written.args, *written.keywords))
    flags = sorted(source.piece(k) for k in written.keywords if k.arg in (*_FLAGS, "reduction"))
    if not any(keyword.arg in _FLAGS for keyword in written.keywords):
        return None
    gone = [((parts[parts.index(piece) - 1][1], piece[1]), "") for piece in flags[1:]]
    return rewritten_pieces(source, [(flags[0], f"reduction={reduction}"), *gone])


def called_instead(scene: Scene, function: str, methods: str, *options: str) -> str | None:
    """The program with another function of torch.nn.functional called on input.`methods` and target."""
    source = Source(scene.recording.source)
    written = source.call_at(scene.call.span)
    given = [_written_argument(source, scene, name) for name in ("input", "target")]
    if written is None or given[0] is None or given[1] is None:
        return None
    arguments = (f"{_atom(source, given[0])}.{methods}", source.written(given[1]), *options)
    return source.replaced(source.piece(written), f"{functional(source)}.{function}({', '.join(arguments)})")


def summed_over(scene: Scene, items: int) -> str | None:
    """The program with the losses of its call added up, and the sum divided by a number of items."""
    changed, span = with_option(scene, scene.call, "reduction", '"sum"'), scene.call.span
    if changed is None or span is None:
        return None
    source = Source(changed)
    at = [c for c in source.calls() if (c.lineno, c.col_offset) == (span.line, span.column)]
    whole = max(at, key=lambda c: source.piece(c)[1], default=None)
    return None if whole is None else source.replaced(source.piece(whole), f"{source.written(whole)} / {items}")


def called(scene: Scene, call: Call, name: str) -> str | None:
    """The program with another function, or another method, of this name where a call is written."""
    source = Source(scene.recording.source)
    written = source.call_at(call.span)
    same = written is not None and last_name(written.func) == call.function.rsplit(".", 1)[-1]
    return source.replaced(source.function_name(written), name) if written is not None and same else None


def in_float64(scene: Scene, call: Call) -> str | None:
    """The program with what a call adds up as float64 before."""
    source = Source(scene.recording.source)
    x = operand(source, call)
    return None if x is None else source.replaced(source.piece(x), f"{_atom(source, x)}.double()")


def softplus_instead(scene: Scene) -> str | None:
    """The program with soft_margin_loss written as softplus, which does not overflow."""
    source = Source(scene.recording.source)
    written, (x, y) = (
        source.call_at(scene.call.span),
        (_written_argument(source, scene, n) for n in ("input", "target")),
    )
    if written is None or x is None or y is None or scene.reduction == "none":
        return None
    inside = f"-{_atom(source, y)} * {_atom(source, x)}"
    return source.replaced(source.piece(written), f"{functional(source)}.softplus({inside}).{scene.reduction}()")


def name_passed(scene: Scene, passed: str) -> str | None:
    """The variable that is passed as an argument, None where it is an expression."""
    written = _written_argument(Source(scene.recording.source), scene, passed)
    return written.id if isinstance(written, ast.Name) else None


def _written_argument(source: Source, scene: Scene, passed: str) -> ast.expr | None:
    operation = source.operation_at(scene.call.span)
    if operation is not None:
        return operation.left if passed == "input" else operation.right
    written = source.call_at(scene.call.span)
    if written is None or len(modules_around(scene.call)) > 1:
        return None
    loss = scene.registry.of(scene.call.function)
    order = list(inspect.signature(loss.program).parameters) if loss else [a.name for a in scene.call.arguments]
    return argument(written, order.index(passed), passed)


def _options_of(source: Source, call: Call) -> ast.Call | None:
    """Where the options of a call are written: the call itself, or the only place that builds its module."""
    modules = modules_around(call)
    if not modules:
        return source.call_at(call.span)
    built = source.constructors(modules[-1].rpartition(".")[2])
    return built[0] if len(built) == 1 else None


def _bound_before(source: Source, call: Call, written: ast.Call) -> int:
    """How many arguments of the function are given before the parentheses: the tensor that has the method."""
    if modules_around(call):
        return 1
    return int(isinstance(written.func, ast.Attribute) and not source.is_torch(written.func.value))


def _with_keyword(source: Source, written: ast.Call, text: str) -> str:
    start, end = source.piece(written)
    inside = source.text[start : end - 1].rstrip()
    comma = "" if inside.endswith("(") else " " if inside.endswith(",") else ", "
    return source.text[:start] + inside + comma + text + ")" + source.text[end:]


def _without_layer(source: Source, activation: Call) -> str | None:
    """The program with a layer taken out of the nn.Sequential that holds it, if there is exactly one such layer."""
    layer = modules_around(activation)[-1].rpartition(".")[2] if modules_around(activation) else ""
    found = [
        (holder, place)
        for holder in source.constructors("Sequential")
        for place, part in enumerate(holder.args)
        if isinstance(part, ast.Call) and last_name(part.func) == layer
    ]
    if len(found) != 1:
        return None
    holder, place = found[0]
    start, end = source.piece(holder.args[place])
    if place > 0:
        start = source.piece(holder.args[place - 1])[1]
    elif len(holder.args) > 1:
        end = source.piece(holder.args[1])[0]
    return source.replaced((start, end), "")


def _replaced_or_deleted(source: Source, written: ast.Call, inner: ast.expr) -> str:
    """`x = softmax(z)` becomes `x = z`; `x = softmax(x)` would become `x = x`, so the statement goes."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is written:
                if isinstance(inner, ast.Name) and inner.id == name and not source.shares_line(node):
                    return source.without_lines(node)
            case _:
                pass
    return source.replaced(source.piece(written), _atom(source, inner))


def _function(call: Call) -> tuple[str, ...]:
    return tuple(part for part in call.scope if part.startswith("def "))


def _atom(source: Source, node: ast.expr) -> str:
    """A node's text, in parentheses where something written behind it would bind tighter."""
    text = source.written(node)
    return text if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript) else f"({text})"


def _called_by(source: Source, written: ast.Call, name: str) -> str | None:
    """The program with the last part of a function's name exchanged; a bare name would have to be imported."""
    if isinstance(written.func, ast.Name) and name not in source.imported:
        return None
    return source.replaced(source.function_name(written), name)
