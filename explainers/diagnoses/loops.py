"""A training loop as it is written: its optimizer, and where it goes backward, makes steps and clears gradients."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from explainers.diagnoses.source_edits import Source, argument, last_name

_OPTIMIZERS = frozenset(
    ("SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD")
)
_AN_OPTIMIZER = re.compile(r"^opt(?:imi[sz]er)?(?:_\w+)?$|optim", re.I)
_NUMBERS_OF = frozenset(("item", "detach", "tolist", "numpy", "cpu"))
_FRESH = frozenset(("tensor", "Variable", "as_tensor"))


@dataclass(frozen=True)
class Loop:
    """The innermost loop that goes backward, and the one optimizer of the program.

    `backward`, `steps` and `clears` are its statements; `built` is the call that builds the optimizer in `made`.
    """

    source: Source
    optimizer: str
    made: ast.Assign
    built: ast.Call
    body: ast.For | ast.While
    backward: ast.Expr
    steps: tuple[ast.Expr, ...]
    clears: tuple[ast.Expr, ...]

    @property
    def scaled(self) -> bool:
        """Whether something else makes the steps, as a GradScaler does, or hooks in."""
        return "scaler" in self.source.text.lower() or "LBFGS" in self.source.text

    @property
    def clears_by_hand(self) -> bool:
        """Whether gradients are cleared without the optimizer."""
        start, end = self.source.piece(self.body)
        text = self.source.text[start:end]
        return "zero_grad" in self.source.text or Source(text).clears_gradients or "fill_" in text

    @property
    def cleared_early(self) -> ast.Expr | None:
        """What clears the gradients between backward() and the step that needs them."""
        between = (c for c in self.clears if any(self.backward.lineno < c.lineno < s.lineno for s in self.steps))
        return next(between, None)

    @property
    def made_anew(self) -> ast.Assign | None:
        """What makes a new tensor of numbers in the loop, with a gradient of its own, to go backward from."""
        start = self.backward.value
        assert isinstance(start, ast.Call) and isinstance(start.func, ast.Attribute)
        for node in ast.walk(self.body):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(keywords=[*keywords], func=function)):
                    fresh = any(k.arg == "requires_grad" and _is_true(k.value) for k in keywords)
                    if fresh and ast.unparse(start.func.value) == name and last_name(function) in _FRESH:
                        return node
                case _:
                    pass
        return None

    @property
    def from_history(self) -> str:
        """The program that goes backward from what such a new tensor takes its numbers from."""
        assert self.made_anew is not None and isinstance(self.made_anew.value, ast.Call)
        origin = next(iter(self.made_anew.value.args), None)
        while isinstance(origin, ast.Call) and isinstance(origin.func, ast.Attribute) and not origin.args:
            if origin.func.attr not in _NUMBERS_OF:
                break
            origin = origin.func.value
        if origin is None or ast.unparse(origin) == ast.unparse(self.made_anew.targets[0]):
            return self.source.without_lines(self.made_anew)
        start, end = self.source.piece(origin)
        return self.source.replaced(self.source.piece(self.made_anew.value), self.source.text[start:end])

    @property
    def frozen(self) -> ast.expr | None:
        """The False that is written to requires_grad."""
        for node in ast.walk(self.source.tree):
            match node:
                case ast.Assign(
                    targets=[ast.Attribute(attr="requires_grad")], value=ast.Constant(value=False) as value
                ):
                    return value
                case _:
                    pass
        return None

    @property
    def rate(self) -> float | None:
        """The learning rate, where it is written as a number."""
        match argument(self.built, 1, "lr"):
            case ast.Constant(value=float() | int() as rate):
                return float(rate)
            case _:
                return None

    def with_rate(self, rate: float) -> str:
        """The program with another learning rate."""
        written = argument(self.built, 1, "lr")
        assert written is not None
        return self.source.replaced(self.source.piece(written), f"{rate:g}")

    def before(self, statement: ast.stmt, text: str) -> str:
        """The program with a line before a statement."""
        start = self.source.piece(statement)[0]
        return self.source.replaced((start, start), f"{text}\n{' ' * statement.col_offset}")

    def after(self, statement: ast.stmt, text: str) -> str:
        """The program with a line after a statement."""
        end = self.source.piece(statement)[1]
        return self.source.replaced((end, end), f"\n{' ' * statement.col_offset}{text}")

    def moved_before(self, statement: ast.stmt, other: ast.stmt) -> str:
        """The program with a statement moved before an earlier one."""
        start, end = self.source.piece(statement)
        text = self.source.text[start:end]
        before = self.source.piece(other)[0]
        without = Source(self.source.without_lines(statement))
        return without.replaced((before, before), f"{text}\n{' ' * other.col_offset}")

    def moved_after(self, statement: ast.stmt, other: ast.stmt) -> str:
        """The program with a statement moved behind a later one."""
        start, end = self.source.piece(statement)
        with_both = self.after(other, self.source.text[start:end])
        return Source(with_both).without_lines(statement)

    def with_used_model(self) -> tuple[str, str] | None:
        """What the optimizer's parameters are of, and the program with those of the model that the loop uses.

        None where the loop uses the model that the optimizer was built from.
        """
        held = self._held()
        if held is None:
            return self._built_in_place()
        anew = self._built_anew(held)
        if anew is not None:
            return f"the first {held}", self._made_after(anew)
        names = {node.id for node in ast.walk(self.body) if isinstance(node, ast.Name)}
        models = self._used() & set(self._assigned())
        if held in names or len(models) != 1:
            return None
        node = next(n for n in ast.walk(self.built) if isinstance(n, ast.Name) and n.id == held)
        return held, self.source.replaced(self.source.piece(node), models.pop())

    def _built_in_place(self) -> tuple[str, str] | None:
        """The same, where the optimizer's parameters are of a model that is built right there and has no name."""
        match argument(self.built, 0, "params"):
            case ast.Call(func=ast.Attribute(value=ast.Call() as anew, attr="parameters")):
                used = [name for name in self._used() if name in self._assigned()]
                text = self.source.written(anew)
                return (text, self.source.replaced(self.source.piece(anew), used[0])) if len(used) == 1 else None
            case _:
                return None

    def _used(self) -> set[str]:
        """The names that the loop calls."""
        calls = [node.func for node in ast.walk(self.body) if isinstance(node, ast.Call)]
        return {function.id for function in calls if isinstance(function, ast.Name)}

    def _held(self) -> str | None:
        """The name whose `.parameters()` the optimizer is given."""
        match argument(self.built, 0, "params"):
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="parameters")):
                return name
            case _:
                return None

    def _assigned(self) -> dict[str, ast.Assign]:
        """The last statement at the top level that binds each name to what a call gives."""
        found: dict[str, ast.Assign] = {}
        for node in self.source.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call()):
                    found[name] = node
                case _:
                    pass
        return found

    def _built_anew(self, name: str) -> ast.Assign | None:
        """Where the name is bound to another object after the optimizer was built."""
        last = self._assigned().get(name)
        if last is None or not self.made.lineno < last.lineno < self.body.lineno:
            return None
        names = {node.id for node in ast.walk(last.value) if isinstance(node, ast.Name)}
        return None if name in names else last

    def _made_after(self, statement: ast.Assign) -> str:
        start, end = self.source.piece(self.made)
        text, at = self.source.text[start:end], self.source.piece(statement)[1]
        with_both = self.source.replaced((at, at), f"\n{text}")
        return Source(with_both).replaced((start, end + 1), "")


@dataclass(frozen=True)
class Uncleared:
    """A loop that goes backward and makes steps, and clears no gradients: the name of its optimizer, and where it goes
    backward."""

    source: Source
    optimizer: str
    backward: ast.Expr

    @property
    def cleared(self) -> str:
        """The program with the gradients cleared before backward()."""
        start = self.source.piece(self.backward)[0]
        line = f"{self.optimizer}.zero_grad()\n{' ' * self.backward.col_offset}"
        return self.source.replaced((start, start), line)


def uncleared(text: str) -> Uncleared | None:
    """The loop that never clears its gradients: one whose optimizer is built in the program, or is not shown."""
    loop = training_loop(text)
    if loop is not None:
        clears = loop.clears or loop.clears_by_hand or loop.scaled
        return Uncleared(loop.source, loop.optimizer, loop.backward) if loop.steps and not clears else None
    source = Source(text)
    if source.clears_gradients or "zero_" in text or "scaler" in text.lower() or "LBFGS" in text:
        return None
    loops = [node for node in ast.walk(source.tree) if isinstance(node, ast.For | ast.While)]
    for body in (node for node in reversed(loops) if len(_called(node, "backward")) == 1):
        (backward,) = _called(body, "backward")
        steps = [s for s in _called(body, "step") if s in body.body and s.lineno > backward.lineno]
        names = {n for s in steps if (n := _owner(s)) is not None and _AN_OPTIMIZER.search(n)} - _bound(source)
        if backward in body.body and len(names) == 1:
            return Uncleared(source, names.pop(), backward)
    return None


def _owner(statement: ast.Expr) -> str | None:
    """The name of what a statement calls a method of."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
            return name
        case _:
            return None


def _bound(source: Source) -> set[str]:
    """The names that a program gives a value."""
    names = (n for n in ast.walk(source.tree) if isinstance(n, ast.Name))
    return {n.id for n in names if isinstance(n.ctx, ast.Store)}


def training_loop(text: str) -> Loop | None:
    """The training loop of a program with one loop that goes backward once a round, and one optimizer."""
    source = Source(text)
    loops = [node for node in ast.walk(source.tree) if isinstance(node, ast.For | ast.While)]
    inner = [loop for loop in loops if len(_called(loop, "backward")) == 1]
    built = [found for node in ast.walk(source.tree) if (found := _optimizer(node)) is not None]
    if not inner or len(built) != 1:
        return None
    name, made, call = built[0]
    body = min(inner, key=lambda loop: (loop.end_lineno or 0) - loop.lineno)
    steps, clears = (_called(body, method, name) for method in ("step", "zero_grad"))
    elsewhere = [s for method in ("step", "zero_grad") for s in _called(source.tree, method, name)]
    if len(elsewhere) != len(steps) + len(clears):  # an outer loop, or a function, makes them
        return None
    return Loop(source, name, made, call, body, _called(body, "backward")[0], tuple(steps), tuple(clears))


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _called(tree: ast.AST, method: str, owner: str | None = None) -> list[ast.Expr]:
    """The statements that call a method, in the order of their lines."""
    found: list[ast.Expr] = []
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=of, attr=name))) if name == method:
                if owner is None or (isinstance(of, ast.Name) and of.id == owner):
                    found.append(node)
            case _:
                pass
    return sorted(found, key=lambda node: node.lineno)


def _optimizer(node: ast.AST) -> tuple[str, ast.Assign, ast.Call] | None:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call) if last_name(call.func) in _OPTIMIZERS:
            return name, node, call
        case _:
            return None
