"""Every class that formulas may hold, through all three printers: one list of samples for `typeset.RULES`."""

from collections.abc import Callable
from typing import Any

import pytest
import sympy
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from explainers.cards.card import Card, Chain, Step
from explainers.cards.gate import gate
from explainers.cards.latex_printer import latex_math
from explainers.cards.plain_printer import plain_math
from explainers.cards.render import Renderer
from explainers.cards.typeset import RULES, Typesetter, Unprintable
from explainers.cards.typst_printer import typst_math
from explainers.graph.symbols import Component, Elided, Gradient, Marked, NumberLabel, OverAlignments, Role

WORDS = {"if": "if", "otherwise": "otherwise"}
x, y, p, ell = sympy.symbols("x y p ell")
j, n = sympy.Idx("j"), sympy.Symbol("n")
z: Any = sympy.IndexedBase("z")
labels: Any = sympy.IndexedBase("y")
softmax = sympy.Function("softmax")


def unevaluated(kind: Any, *args: Any) -> Any:
    return kind(*args, evaluate=False)


SAMPLES: dict[type, tuple[Any, str]] = {
    sympy.Symbol: (sympy.Symbol("label_smoothing"), "label_smoothing"),
    sympy.Idx: (j, "j"),
    sympy.IndexedBase: (z, "z"),
    sympy.Indexed: (z[j, labels[j]], "z_(j, y_j)"),
    Component: (Component(softmax(z.label), y), "softmax(z)_y"),
    NumberLabel: (NumberLabel("9.08e-05"), "9.08 × 10⁻⁵"),
    Marked: (Marked(NumberLabel("0.10"), Role.TARGET), "0.10"),
    Gradient: (Gradient(ell, z.label), "∇_z ℓ"),
    Elided: (Elided(), "…"),
    sympy.Integer: (sympy.Integer(-3), "−3"),
    sympy.Rational: (sympy.Rational(-2, 3), "−2/3"),
    sympy.Float: (sympy.Float("0.25"), "0.25"),
    type(sympy.E): (sympy.E, "e"),
    type(sympy.pi): (sympy.pi, "π"),
    type(sympy.oo): (sympy.oo, "∞"),
    type(-sympy.oo): (-sympy.oo, "−∞"),
    type(sympy.nan): (sympy.nan, "nan"),
    BooleanTrue: (sympy.true, "true"),
    BooleanFalse: (sympy.false, "false"),
    sympy.Add: (unevaluated(sympy.Add, y, x, sympy.Integer(-1)), "y + x − 1"),
    sympy.Mul: (unevaluated(sympy.Mul, sympy.Integer(2), NumberLabel("-0.5"), x), "2 × (−0.5) x"),
    sympy.Pow: (unevaluated(sympy.Pow, sympy.Integer(-2), 2), "(−2)²"),
    sympy.exp: (unevaluated(sympy.exp, sympy.Integer(-2)), "e⁻²"),
    sympy.log: (unevaluated(sympy.log, x + y), "log(x + y)"),
    sympy.Abs: (sympy.Abs(x - y), "|x − y|"),
    sympy.floor: (sympy.floor(x), "⌊x⌋"),
    sympy.ceiling: (sympy.ceiling(x), "⌈x⌉"),
    sympy.Max: (unevaluated(sympy.Max, x, sympy.Integer(0)), "max(0, x)"),
    sympy.Min: (unevaluated(sympy.Min, x, sympy.Integer(1)), "min(1, x)"),
    sympy.tanh: (sympy.tanh(x), "tanh(x)"),
    sympy.sign: (sympy.sign(x), "sgn(x)"),
    sympy.erf: (sympy.erf(x), "erf(x)"),
    sympy.loggamma: (sympy.loggamma(x), "log Γ(x)"),
    AppliedUndef: (sympy.Function("sigmoid")(x), "σ(x)"),
    sympy.KroneckerDelta: (sympy.KroneckerDelta(x, y), "δ_(x, y)"),
    sympy.Sum: (sympy.Sum(z[j], (j, 0, n - 1)), "Σ_(j = 0..n − 1) z_j"),
    OverAlignments: (
        OverAlignments.made((z[n, x], n, x), (labels[ell], ell), (p, y), 0, 9),
        "Σ_(π → y) Π_(n = 0..p − 1) z_(n, x)",
    ),
    sympy.Product: (sympy.Product(z[j], (j, 0, n)), "Π_(j = 0..n) z_j"),
    sympy.Derivative: (sympy.Derivative(sympy.Function("ell")(x), x), "(∂ℓ)/(∂x)"),
    sympy.Piecewise: (sympy.Piecewise((x, x > 0), (0, True)), "{ x if x > 0; 0 otherwise }"),
    sympy.core.relational.Relational: (sympy.Ne(x, y), "x ≠ y"),
    sympy.And: (sympy.And(x > 0, y > 0), "x > 0 ∧ y > 0"),
    sympy.Or: (sympy.Or(x > 0, y > 0), "x > 0 ∨ y > 0"),
    sympy.Not: (sympy.Not(sympy.Symbol("q")), "¬q"),
    sympy.matrices.MatrixBase: (sympy.Matrix([1, x]), "[1; x]"),
    sympy.Tuple: (sympy.Tuple(1, NumberLabel("-0.5")), "(1, −0.5)"),
}
FURTHER: list[tuple[Any, str]] = [
    (unevaluated(sympy.Add, x, Elided(), y), "x + … + y"),
    (sympy.Function("one_hot")(y), "1_y"),
    (sympy.Function("log_softmax")(z.label), "log softmax(z)"),
    (sympy.Function("logsumexp")(z.label), "logsumexp(z)"),
    (sympy.Function("softplus")(x), "softplus(x)"),
    (sympy.Function("relu")(x), "ReLU(x)"),
    (sympy.Function("mean")(x), "mean(x)"),
    (sympy.Function("f")(x, y), "f(x, y)"),
    (sympy.sqrt(x), "√x"),
    (sympy.Symbol("z_1"), "z₁"),
    (sympy.Symbol("beta"), "β"),
    (sympy.Symbol("y_hat"), "y\u0302"),
    (NumberLabel("9.08 \\times 10^{-5}"), "9.08 × 10⁻⁵"),
    (NumberLabel("1e-12"), "10⁻¹²"),
    (NumberLabel("-1e+12"), "−10¹²"),
    (sympy.Pow(NumberLabel("1e-12"), 2, evaluate=False), "(10⁻¹²)²"),
    (NumberLabel("nan"), "nan"),
    (NumberLabel("-inf"), "−inf"),
    (unevaluated(sympy.Mul, sympy.Pow(n, -1), sympy.Sum(z[j], (j, 1, n))), "1/n · Σ_(j = 1..n) z_j"),
    (unevaluated(sympy.Mul, sympy.exp(x), sympy.Pow(x + y, -1)), "e^x/(x + y)"),
    (unevaluated(sympy.Mul, -1, unevaluated(sympy.log, p)), "−log p"),
    (unevaluated(sympy.Mul, unevaluated(sympy.log, p), x), "log(p) x"),
    (unevaluated(sympy.Mul, sympy.Sum(z[j], (j, 1, n)), x), "(Σ_(j = 1..n) z_j) x"),
]
ALL = [*SAMPLES.values(), *FURTHER]


def test_every_rule_has_a_sample_that_it_prints() -> None:
    assert set(SAMPLES) == set(RULES)
    for kind, (sample, _) in SAMPLES.items():
        chosen = next(base for base in type(sample).__mro__ if base in RULES)
        assert chosen is kind


@pytest.mark.parametrize(("expr", "text"), ALL, ids=[text for _, text in ALL])
def test_plain(expr: Any, text: str) -> None:
    assert plain_math(Typesetter()(expr), WORDS) == text


@pytest.mark.parametrize("expr", [expr for expr, _ in ALL], ids=[text for _, text in ALL])
def test_typst_passes_the_gate_and_latex_is_balanced(expr: Any) -> None:
    node = Typesetter()(expr)
    source = typst_math(node)
    assert gate(source) == source
    latex = latex_math(node, WORDS)
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    assert latex.count(r"\begin") == latex.count(r"\end")


def test_every_sample_draws_differently(renderer: Renderer, make_card: Callable[..., Card]) -> None:
    pictures = {renderer.draw(make_card(steps=(Step((), Chain(None, (("=", expr),))),))) for expr, _ in ALL}
    assert len(pictures) == len({text for _, text in ALL})


@pytest.mark.parametrize("expr", [sympy.Integral(x, x), sympy.I, sympy.Lambda(x, x)])
def test_a_class_without_a_rule_is_refused_by_name(expr: Any) -> None:
    with pytest.raises(Unprintable, match=type(expr).__name__):
        Typesetter()(expr)


def test_short_sums_leave_their_bounds_away() -> None:
    assert plain_math(Typesetter(short=True)(SAMPLES[sympy.Sum][0]), WORDS) == "Σ_j z_j"


@pytest.mark.parametrize(
    ("expr", "typst", "latex"),
    [
        (
            unevaluated(sympy.Add, sympy.log(x + y), unevaluated(sympy.Mul, -1, sympy.Integer(-2))),
            "log(x + y) - lr((-2))",
            r"\operatorname{log} \left( x + y \right) - \left( -2 \right)",
        ),
        (sympy.Symbol('a"b'), r'upright("a\"b")', r"\text{a" + '"' + "b}"),
        (sympy.Symbol("50%_#$"), 'upright("50%_#$")', r"\text{50\%\_\#\$}"),
        (Marked(sympy.Integer(1), Role.TARGET), "target(1)", r"\target{1}"),
        (
            sympy.Matrix([[1, 2], [3, 4]]),
            'mat(delim: "[", 1, 2; 3, 4)',
            r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}",
        ),
    ],
)
def test_scripts_spell_the_same_tree(expr: Any, typst: str, latex: str) -> None:
    node = Typesetter()(expr)
    assert (typst_math(node), latex_math(node, WORDS)) == (typst, latex)
