"""A logarithm as it is to be written so that nothing large and nothing tiny is formed under it."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from explainers.diagnoses.log_domain import LOGARITHMS, REARRANGING, written_sigmoid
from explainers.diagnoses.operands import atom, rewritten, written
from explainers.diagnoses.scene import Scene, short
from explainers.diagnoses.source_edits import Piece, Source, functional
from explainers.recording import Call, Items, Ref


def stable_source(scene: Scene, logs: Sequence[Call]) -> str | None:
    """The asker's program with these logarithms written in their stable form; None where one cannot be."""
    source = Source(scene.recording.source)
    pieces: dict[Piece, str] = {}
    for log in logs:
        node, text = source.call_at(log.span), _Text(scene, source, log).logarithm()
        if node is None or text is None:
            return None
        pieces[source.piece(node)] = text
    return rewritten(source, list(pieces.items())) if pieces else None


@dataclass(frozen=True)
class _Text:
    """What is written in the place of one logarithm."""

    scene: Scene
    source: Source
    log: Call

    def logarithm(self) -> str | None:
        top = self.scene.maker(self.log.ref("input"))
        assert short(self.log) in LOGARITHMS
        if top is None:
            return None
        if short(self.log) == "log1p":
            inner = self._of(top)
            return inner and f"{functional(self.source)}.softplus({inner})"
        return self._of(top)

    def _of(self, call: Call) -> str | None:
        """The logarithm of what a call gives; None where that cannot be written in the place of the logarithm."""
        if call.scope != self.log.scope:
            return None
        name, f = short(call), functional(self.source)
        x = self._given(call, "input")
        if name in REARRANGING:
            return self._rearranged(call)
        match name:
            case "exp":
                return x
            case "softmax" if x and isinstance(call.argument("dim"), int):
                return f"{self._atom(x)}.log_softmax({call.argument('dim')})"
            case "sigmoid" if x:
                return f"{f}.logsigmoid({x})"
            case "cosh" if x:
                return f"(torch.logaddexp({x}, -{self._atom(x)}) - {math.log(2)!r})"
            case "sub":
                maker = self.scene.maker(call.ref("other"))
                exponential = None if maker is None else written_sigmoid(self.scene, maker)
                if exponential is not None:
                    inside = self._given(exponential, "input") if exponential.scope == call.scope else None
                    return inside and f"{f}.logsigmoid({inside})"
                inner = self._given(maker, "input") if maker is not None and maker.scope == call.scope else None
                return inner and f"{f}.logsigmoid(-{self._atom(inner)})"
            case "add":
                return self._added(call)
            case "mul" | "div":
                return self._product(call)
            case "sum":
                return self._summed(call)
            case _:
                return None

    def _added(self, call: Call) -> str | None:
        values = [call.argument(name) for name in ("input", "other")]
        parts = [self._twin(value.id) for value in values if isinstance(value, Ref)]
        if None in parts:
            return None
        if len(parts) == 2:
            return f"torch.logaddexp({parts[0]}, {parts[1]})"
        return f"{functional(self.source)}.softplus({parts[0]})" if 1 in values else None

    def _product(self, call: Call) -> str | None:
        """The difference or the sum of the logarithms, where both factors are exponentials or the first is 1."""
        values = [call.argument(name) for name in ("input", "other")]
        parts = [self._twin(value.id) for value in values if isinstance(value, Ref)]
        if None in parts or not parts:
            return None
        sign = "-" if short(call) == "div" else "+"
        if len(parts) == 2:
            return f"({parts[0]} {sign} {self._atom(parts[1] or '')})"
        return f"(-{self._atom(parts[0] or '')})" if values[0] == 1 and sign == "-" else None

    def _summed(self, call: Call) -> str | None:
        inner, dim = self._twin(call.inputs()[0]), call.argument("dim")
        if inner is None:
            return None
        shape = self.scene.recording.tensors[call.inputs()[0]].shape
        over = tuple(range(len(shape))) if dim is None else dim.items if isinstance(dim, Items) else (dim,)
        axes = str(over[0]) if len(over) == 1 else str(tuple(over))
        return f"{self._atom(inner)}.logsumexp({axes}{', keepdim=True' if call.argument('keepdim') else ''})"

    def _rearranged(self, call: Call) -> str | None:
        """The rearrangement as it is written, of the logarithm."""
        node, inner = self.source.at(call.span), self._twin(call.inputs()[0])
        x = node.value if isinstance(node, ast.Subscript) else written(replace(self.scene, call=call), "input")
        if not isinstance(node, ast.expr) or x is None or inner is None:
            return None
        (start, end), (left, right) = self.source.piece(node), self.source.piece(x)
        text = self.source.text
        return f"{text[start:left]}{self._atom(inner)}{text[right:end]}" if start <= left and right <= end else None

    def _twin(self, id: int) -> str | None:
        call = self.scene.makers.get(id)
        return None if call is None else self._of(call)

    def _given(self, call: Call, name: str) -> str | None:
        """What is written for an argument, whose names mean the same where the logarithm stands."""
        node = written(replace(self.scene, call=call), name)
        return None if node is None or not self._keeps_its_meaning(node) else self.source.written(node)

    def _keeps_its_meaning(self, node: ast.expr) -> bool:
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        assigned = [
            target.id
            for each in ast.walk(self.source.tree)
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            for target in (each,)
        ]
        return all(assigned.count(name) < 2 for name in names)

    def _atom(self, text: str) -> str:
        return atom(Source(text), ast.parse(text, mode="eval").body)
