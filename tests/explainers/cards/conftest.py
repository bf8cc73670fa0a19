import math
from collections.abc import Callable
from typing import Any

import pytest
import sympy

from explainers.cards.card import Bar, Bars, Card, Chain, Curve, Mark, Step, Strong, Table, Value
from explainers.cards.render import Renderer
from explainers.graph.symbols import Gradient, Marked, NumberLabel, Role

ELL, Z, Y = sympy.symbols("ell z y")
C = sympy.Symbol("C", integer=True)
LOGITS: Any = sympy.IndexedBase("z")
J = sympy.Idx("j")


def minus(expr: Any) -> Any:
    return sympy.Mul(-1, expr, evaluate=False)


def steps() -> tuple[Step, ...]:
    target = LOGITS[Y]
    total: Any = sympy.Sum(sympy.exp(LOGITS[J]), (J, 0, C - 1))
    share = sympy.Mul(sympy.exp(target), sympy.Pow(total, -1, evaluate=False), evaluate=False)
    chosen = Marked(sympy.Integer(1), Role.TARGET)
    powers = [sympy.exp(power, evaluate=False) for power in (chosen, sympy.Integer(0), sympy.Integer(0))]
    row = sympy.Tuple(*map(NumberLabel, ("-0.424", "0.212", "0.212")))
    table = Table((("class",), ("gradient",)), ((("class 0",), ("−0.4239",)), (("class 1",), ("+0.2119",))), 0)
    return (
        Step(("Definition",), Chain(ELL, (("=", minus(sympy.log(share, evaluate=False))),))),
        Step(("Numbers",), Chain(ELL, (("=", sympy.log(sympy.Add(*powers, evaluate=False)) - 1),))),
        Step(("Value",), Chain(ELL, (("≈", Marked(NumberLabel("0.5514"), Role.LOSS)),)), ("As torch has it.",)),
        Step(("Gradient",), Chain(Gradient(ELL, Z), (("≈", row),)), extra=table),
    )


def curve() -> Curve:
    points = tuple((x / 8, math.log(math.exp(x / 8) + 2) - x / 8) for x in range(-24, 49))
    return Curve(("Loss against the logit",), points, Mark(1.0, 0.5514, "0.5514"))


def bars() -> Bars:
    rows = [Bar(f"class {i}", share, f"{100 * share:.1f} %", i == 0) for i, share in enumerate((0.576, 0.212, 0.212))]
    return Bars(("Softmax of the logits",), tuple(rows))


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture(scope="session")
def make_card() -> Callable[..., Card]:
    """The cross-entropy card of [1, 0, 0] with any fields replaced."""

    def make(**changes: Any) -> Card:
        fields: dict[str, Any] = {
            "title": ("Why 0.5514 and not 0?",),
            "value": Value("loss", "0.5514"),
            "steps": steps(),
            "takeaway": ("Softmax gives class 0 only 57.6 %, so the loss is ", Strong("0.5514"), "."),
            "code": "F.cross_entropy(tensor([[1., 0., 0.]]), tensor([0]))",
            "panels": (bars(), curve()),
            "checks": ("enclosure", "float64 re-run"),
            "colours": {ELL: Role.LOSS, LOGITS[Y]: Role.TARGET},
        }
        return Card(**{**fields, **changes})

    return make
