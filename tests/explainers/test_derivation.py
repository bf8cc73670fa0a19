"""Steps compute themselves again, a falsified one is found out, and what is shown stays small."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from flint import arb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sympy.core.facts import InconsistentAssumptions

from explainers import derive
from explainers.composition import Composition, compose
from explainers.derivation import Combination, Definition, Derivation, Gradient, Step, Substitution, agrees
from explainers.derive import derivation
from explainers.differentiable import differentiable
from explainers.forms import Forms, forms
from explainers.graph.balls import precise
from explainers.graph.display import Display
from explainers.graph.enclosure import enclose
from explainers.graph.evaluation import Values
from explainers.graph.exact import exact
from explainers.graph.lowering import lower
from explainers.graph.rounding import Rounding
from explainers.losses.registry import registry
from explainers.page import meaning
from explainers.page_twin import page_twin
from explainers.recording import Recording
from explainers.tracing import record

LOSSES = registry()
RANDOM = """\
g = torch.Generator().manual_seed({seed})
def normal(*size): return (torch.randn(size, generator=g) * {scale}).to(torch.{dtype})
def signs(*size): return torch.randint(0, 2, size, generator=g) * 2 - 1
def unit(*size): return torch.rand(size, generator=g).to(torch.{dtype})
n, c = {n}, {c}
y = torch.randint(0, c, (n,), generator=g)
"""
PROGRAMS: dict[str, tuple[str, ...]] = {
    "cross_entropy": (
        "F.cross_entropy(normal(n, c), y)",
        "F.cross_entropy(normal(n, c), y, weight=unit(c) + 0.5, label_smoothing=0.1, reduction='sum')",
        "F.cross_entropy(normal(n, c), y, ignore_index=0, weight=unit(c) + 0.5)",
        "F.cross_entropy(normal(n, c), unit(n, c), label_smoothing=0.3)",
        "F.cross_entropy(normal(n, c), y, reduction='none')",
        "F.cross_entropy(normal(n, c, 2), torch.stack([y, y], 1))",
    ),
    "nll_loss": ("F.nll_loss(normal(n, c), y)", "F.nll_loss(normal(n, c), y, weight=unit(c), ignore_index=1)"),
    "mse_loss": ("F.mse_loss(normal(n, c), normal(n, c))", "F.mse_loss(normal(n, c), normal(n, c), weight=unit(n, c))"),
    "binary_cross_entropy": ("F.binary_cross_entropy(unit(n, c) * 0.9 + 0.05, unit(n, c), weight=unit(c))",),
    "binary_cross_entropy_with_logits": (
        "F.binary_cross_entropy_with_logits(normal(n, c), unit(n, c))",
        "F.binary_cross_entropy_with_logits(normal(n, c), unit(n, c), weight=unit(n, c), pos_weight=unit(c) * 3)",
    ),
    "log_softmax": ("F.log_softmax(normal(n, c), dim=1)",),
    "softmax": ("F.softmax(normal(n, c), dim=1)",),
    "softmin": ("F.softmin(normal(n, c), dim=1)",),
    "l1_loss": ("F.l1_loss(normal(n, c), normal(n, c), weight=unit(n, c) + 0.1)",),
    "smooth_l1_loss": ("F.smooth_l1_loss(normal(n, c), normal(n, c), beta=0.7)",),
    "huber_loss": ("F.huber_loss(normal(n, c), normal(n, c), delta=1.5, weight=unit(n, c))",),
    "poisson_nll_loss": (
        "F.poisson_nll_loss(unit(n, c), unit(n, c) * 5, full=True)",
        "F.poisson_nll_loss(unit(n, c), unit(n, c) * 5, log_input=False)",
    ),
    "gaussian_nll_loss": ("F.gaussian_nll_loss(normal(n, c), normal(n, c), unit(n, c) + 0.1, full=True)",),
    "kl_div": (
        "F.kl_div(normal(n, c), unit(n, c), reduction='batchmean')",
        "F.kl_div(normal(n, c), -unit(n, c), log_target=True, reduction='sum')",
    ),
    "margin_ranking_loss": ("F.margin_ranking_loss(normal(n), normal(n), signs(n), margin=0.5)",),
    "hinge_embedding_loss": ("F.hinge_embedding_loss(normal(n, c), signs(n, c), margin=0.5)",),
    "soft_margin_loss": ("F.soft_margin_loss(unit(n, c), unit(n, c).round() * 2 - 1)",),
    "multi_margin_loss": ("F.multi_margin_loss(normal(n, c), y, p=2, weight=unit(c))",),
    "multilabel_margin_loss": ("F.multilabel_margin_loss(normal(n, 3), torch.tensor([[2, 0, -1]] * n))",),
    "multilabel_soft_margin_loss": ("F.multilabel_soft_margin_loss(normal(n, c), unit(n, c), weight=unit(c))",),
    "cosine_embedding_loss": ("F.cosine_embedding_loss(normal(n, c), normal(n, c), signs(n))",),
    "triplet_margin_loss": (
        "F.triplet_margin_loss(normal(n, c), normal(n, c), normal(n, c), swap=True)",
        "F.triplet_margin_loss(normal(n, c), normal(n, c), normal(n, c), p=3, margin=20.0)",
    ),
    "triplet_margin_with_distance_loss": (
        "F.triplet_margin_with_distance_loss(normal(n, c), normal(n, c), normal(n, c), margin=20.0)",
    ),
    "linear_cross_entropy": ("F.linear_cross_entropy(normal(n, 3), normal(c, 3), y, linear_bias=normal(c))",),
    "AdaptiveLogSoftmaxWithLoss": (
        "m = nn.AdaptiveLogSoftmaxWithLoss(4, 2 * c, cutoffs=[c - 1, c + 1], div_value=2.0).to(normal(1).dtype)\n"
        "m(normal(n, 4), y * 2).loss",
        "m = nn.AdaptiveLogSoftmaxWithLoss(2, c, [1], div_value=1.0, head_bias=True).to(normal(1).dtype)\n"
        "m(normal(n, 2), y * 0 + c - 1).output",
    ),
    "ctc_loss": (
        "F.ctc_loss(normal(3, n, 3), signs(n, 2) % 3, torch.full((n,), 3), torch.full((n,), 2))",
        "F.ctc_loss(normal(c, n, 4).log_softmax(2), signs(n, 3) % 4, torch.arange(n) % c + 1, torch.arange(n) % 4)",
        "F.ctc_loss(normal(7, n, c), (y + 1) % c, (7,) * n, (1,) * n, blank=c - 1, zero_infinity=True)",
        "F.ctc_loss(normal(2, 3), torch.tensor([1]), torch.tensor(2), torch.tensor(1))",
    ),
    "cosine_similarity": ("F.cosine_similarity(normal(n, c), normal(n, c))",),
    "pairwise_distance": ("F.pairwise_distance(normal(n, c), normal(n, c), p=1)",),
    "normalize": ("F.normalize(normal(n, c))",),
    "sigmoid": ("torch.sigmoid(normal(n, c))",),
    "logsigmoid": ("F.logsigmoid(normal(n, c)).sum()",),
    "softplus": ("F.softplus(normal(n, c), beta=2)",),
    "logsumexp": ("torch.logsumexp(normal(n, c), dim=1)", "torch.logsumexp(normal(n, c), dim=(0, 1))"),
    "one_hot": ("(F.one_hot(y, c) * normal(n, c)).sum()",),
}


def read(source: str) -> tuple[Recording, Composition, Values]:
    recording = record(source)
    assert recording.raised is None and recording.subject is not None, recording.raised
    found = compose(recording, recording.subject, LOSSES)
    assert isinstance(found, Composition), found
    return recording, found, found.values(recording)


def derived(source: str) -> tuple[Forms, Values, Derivation]:
    recording, found, values = read(source)
    with precise():
        real = differentiable(recording, found, LOSSES)
        made = forms(found, values, real, real)
        return made, values, derivation(made, values, None)


def atoms(expr: Any) -> int:
    return sum(1 for _ in sympy.preorder_traversal(expr))


def formulas(step: Step) -> tuple[Any, ...]:
    match step:
        case Definition():
            return (*step.forms, *([step.whole] if step.whole is not None else []))
        case Substitution():
            return step.forms
        case Gradient():
            return () if step.formula is None else (step.formula,)
        case _:
            return ()


def test_every_registered_loss_has_programs() -> None:
    assert set(PROGRAMS) == set(LOSSES.losses)


@pytest.mark.parametrize(
    "program",
    [program for programs in PROGRAMS.values() for program in programs],
)
@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10**6), n=st.integers(1, 5), c=st.integers(2, 11), scale=st.sampled_from([0.5, 3, 30]),
    dtype=st.sampled_from(["float32", "float64"]),
)  # fmt: skip
def test_every_step_of_a_random_call_computes_itself_again(program: str, **drawn: Any) -> None:
    found, values, steps = derived(RANDOM.format(**drawn) + program)
    with precise():
        assert False not in steps.holds()
        assert any(isinstance(step, Definition) for step in steps.steps)
        (value,) = exact((found.root,), values)
        if np.isfinite(value.middles()).all():
            assert all(agrees(step) for step in steps.steps)
    for step in steps.steps:
        for formula in formulas(step):
            assert not formula.atoms(sympy.Float), "a page holds exact numbers only"
            assert atoms(formula) < 900
    shown(found, values)


def shown(found: Forms, values: Values) -> None:
    """The whole formula on the page, and each gradient by index, come to what the graph comes to."""
    display = Display()
    place = display.at_letters(found.root.axes)
    formula = display.element(found.root, place)
    with precise():
        (values_here,) = exact((found.root,), values)
        letters = replace(meaning(found.composition, values), labels=display.labels)
        corner = letters.at(dict.fromkeys(place.values(), 0))
        assert lower(formula, corner).overlaps(values_here.at((0,) * len(found.root.axes)))
        for node in found.gradients.values():
            display = Display()
            place = display.at_letters(node.axes)
            slope = display.element(node, place)
            here = replace(letters, labels=display.labels).at(dict.fromkeys(place.values(), 0))
            assert lower(slope, here).overlaps(exact((node,), values)[0].at((0,) * len(node.axes)))


@pytest.mark.parametrize("program", [p for programs in PROGRAMS.values() for p in programs])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_pages_script_prints_a_number_of_the_enclosure(program: str, dtype: str) -> None:
    found, values, _ = derived(RANDOM.format(seed=7, n=3, c=4, scale=2, dtype=dtype) + program)
    script = page_twin(found, values, "a loss")
    if found.root.axes:
        assert script is None
        return
    assert script is not None and "torch" not in script.source
    run = subprocess.run([sys.executable, "-I", "-c", script.source], capture_output=True, text=True, check=True)
    ((low, high),) = enclose((found.composition.root,), values, Rounding("native"))
    slack = 2.0**-40 * abs(float(run.stdout))
    assert float(low) - slack <= float(run.stdout) <= float(high) + slack


FALSIFIED = "F.cross_entropy(torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.3, 0.2]]), torch.tensor([0, 2]))"


def test_a_changed_number_is_found_out() -> None:
    _, _, steps = derived(FALSIFIED)
    changed = 0
    with precise():
        for step in steps.steps:
            for wrong in falsified(step):
                assert agrees(wrong) is False, wrong
                changed += 1
    assert changed >= 10


def falsified(step: Step) -> list[Step]:
    """The step with one thing of it changed: a number, a form, a part, a count."""
    match step:
        case Definition():
            return [replace(step, forms=(*step.forms[:-1], step.forms[-1] * 2))]
        case Substitution():
            grown = Fraction(10**9 + 1, 10**9)
            labels = {k: v * grown for k, v in step.meaning.labels.items() if isinstance(v, Fraction)}
            return [
                replace(step, value=step.value + arb("1e-12")),
                replace(step, forms=(*step.forms, sympy.exp(step.forms[-1], evaluate=False))),
                *([replace(step, meaning=replace(step.meaning, labels=labels))] if labels else []),
            ]
        case Combination():
            assert step.divisor is not None
            return [
                replace(step, parts=(step.parts[0] * 2, *step.parts[1:])),
                replace(step, divisor=step.divisor + 1),
                replace(step, value=-step.value),
                replace(step, rest=step.rest + 1),
            ]
        case Gradient():
            return [replace(step, entries=_doubled(step.entries))]
        case _:
            return []


def _doubled(entries: Any) -> Any:
    return replace(entries, balls=entries.balls * 2)


@pytest.mark.parametrize("label", [0.1, 0.3])
def test_two_numbers_of_one_look_keep_their_values(label: float) -> None:
    program = f"F.cross_entropy(torch.tensor([[{label}, 0.7, 1.0]]), torch.tensor([0]), label_smoothing={label})"
    for dtype in ("", ".double()"):
        _, _, steps = derived(program.replace("]])", "]])" + dtype))
        with precise():
            assert all(agrees(step) for step in steps.steps)


LARGE = """\
g = torch.Generator().manual_seed(1)
z = torch.randn(({n}, {c}), generator=g)
y = torch.randint(0, {c}, ({n},), generator=g)
"""


@pytest.mark.parametrize(
    ("setup", "program"),
    [
        ({"n": 4, "c": 1000}, "F.cross_entropy(z, y)"),
        ({"n": 4, "c": 1000}, "F.cross_entropy(z, y, label_smoothing=0.1)"),
        ({"n": 4, "c": 1000}, "(z - z.max(1, keepdim=True).values).exp().sum(1).log().mean()"),
        ({"n": 4, "c": 1000}, "z.amax(1).sum()"),
        ({"n": 1000, "c": 1000}, "F.mse_loss(z, z.tanh())"),
        ({"n": 1000, "c": 1000}, "F.cross_entropy(z, y)"),
        ({"n": 1000, "c": 1000}, "(z - y[:, None]).pow(2).mean()"),
    ],
)
def test_what_is_built_does_not_grow_with_the_data(setup: Mapping[str, int], program: str) -> None:
    from explainers.graph.nodes import topological

    found, _, steps = derived(LARGE.format(**setup) + program)
    small, _, again = derived(LARGE.format(n=4, c=5) + program)
    assert len(topological(found.root)) == len(topological(small.root)) < 40
    sizes = [sum(map(atoms, formulas(step))) for step in steps.steps]
    assert max(sizes) < 250
    assert len(steps.steps) <= len(again.steps)
    with precise():
        assert False not in steps.holds()


def test_a_walk_of_the_whole_road_has_a_twin_that_passed(explained: Callable[[str], Any]) -> None:
    found = explained(FALSIFIED).explanation
    assert {check.name: check.passed for check in found.proof.checks} == dict.fromkeys(
        ("value", "gradient", "float64", "steps", "twin"), True
    )


def test_what_sympy_contradicts_itself_about_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def contradicted(written: Any) -> Any:
        raise InconsistentAssumptions("0", "even", True)

    monkeypatch.setattr(derive, "_shorter", contradicted)
    assert derive._simpler(sympy.Integer(1)) is None  # pyright: ignore[reportPrivateUsage]
