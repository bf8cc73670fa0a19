"""The certificate: it passes on what torch gives, and nothing that is forged, missing or unknown passes for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pytest

from explainers.derivation import Derivation
from explainers.derive import derivation
from explainers.enclosures import contains, enclosures, overflown
from explainers.graph.balls import precise
from explainers.proof import Proof, prove
from explainers.reading import Reading
from explainers.recording import Tensor
from explainers.reruns import FLOAT64, TWIN, VALUE, RerunResult

Results = dict[str, RerunResult]
BOTH = (VALUE, FLOAT64)
MSE = "a, b = torch.randn(3), torch.randn(3)\nF.mse_loss(a, b)"


@dataclass(frozen=True)
class Case:
    """One program's reading and reruns, to be proven again with something changed."""

    reading: Reading
    subject: Tensor
    steps: Derivation
    results: Results

    def proof(self, changed: Results | None = None, subject: Tensor | None = None) -> Proof:
        results = {**self.results, **(changed or {})}
        with precise():
            found = self.reading
            return prove(
                found.forms, enclosures(found.forms, found.values), self.steps, results, subject or self.subject
            )

    def id(self, symbol: str) -> int:
        return next(x.tensor for x in self.reading.forms.as_run if x.symbol == symbol)


Prepare = Callable[[str], Case]


@pytest.fixture
def case(explained: Callable[[str], Any]) -> Prepare:
    def prepare(program: str) -> Case:
        walk = explained(f"import torch\nimport torch.nn.functional as F\ntorch.manual_seed(0)\n{program}\n")
        subject = walk.explanation.subject
        assert subject is not None
        with precise():
            steps = derivation(walk.reading.forms, walk.reading.values, None)
        return Case(walk.reading, subject, steps, {result.label: result for result in walk.results})

    return prepare


def passed(proof: Proof) -> dict[str, bool | None]:
    return {check.name: check.passed for check in proof.checks}


def moved(tensor: Tensor, by: float) -> Tensor:
    data = tensor.array() + np.asarray(by, dtype=tensor.dtype)
    return msgspec.structs.replace(tensor, data=data.astype(tensor.dtype).tobytes())


def without(result: RerunResult, *ids: int) -> RerunResult:
    return msgspec.structs.replace(result, gradients={k: g for k, g in result.gradients.items() if k not in ids})


def test_what_torch_gives_is_certified(case: Prepare) -> None:
    proof = case(MSE).proof()
    assert proof.certified
    assert {name: ok for name, ok in passed(proof).items() if name != "twin"} == dict.fromkeys(
        ("value", "gradient", "float64", "steps"), True
    )


@pytest.mark.parametrize("label", BOTH)
def test_a_forged_value_is_refused(case: Prepare, label: str) -> None:
    found = case(MSE)
    rerun = found.results[label]
    assert rerun.value is not None
    forged = msgspec.structs.replace(rerun, value=moved(rerun.value, 1e-3))
    assert found.proof({label: forged}).verdict == "refused"


def test_a_value_that_the_program_did_not_show_is_refused(case: Prepare) -> None:
    found = case(MSE)
    assert found.proof(subject=moved(found.subject, 1e-3)).verdict == "refused"


@pytest.mark.parametrize("label", BOTH)
@pytest.mark.parametrize("symbol", ["x", "y"])
def test_a_forged_gradient_is_refused(case: Prepare, label: str, symbol: str) -> None:
    found = case(MSE)
    rerun, id = found.results[label], found.id(symbol)
    forged = msgspec.structs.replace(rerun, gradients={**rerun.gradients, id: moved(rerun.gradients[id], 1e-3)})
    assert found.proof({label: forged}).verdict == "refused"


@pytest.mark.parametrize("label", BOTH)
@pytest.mark.parametrize("symbol", ["x", "y"])
def test_a_gradient_that_torch_lacks_and_the_formula_has_is_refused(case: Prepare, label: str, symbol: str) -> None:
    found = case(MSE)
    assert found.proof({label: without(found.results[label], found.id(symbol))}).verdict == "refused"


@pytest.mark.parametrize("label", BOTH)
def test_without_any_gradient_nothing_is_certified(case: Prepare, label: str) -> None:
    found = case(MSE)
    proof = found.proof({label: without(found.results[label], *found.results[label].gradients)})
    assert proof.verdict == "not-applicable"
    assert passed(proof)["gradient" if label == VALUE else "float64"] is None


TEACHERS = {
    "no_grad": "with torch.no_grad():\n    s = a * 2\n",
    "inference tensor's copy": "with torch.inference_mode():\n    s = a * 2\ns = s.clone()\n",
    "detach": "s = (a * 2).detach()\n",
    "set_grad_enabled": "torch.set_grad_enabled(False)\ns = a * 2\ntorch.set_grad_enabled(True)\n",
}


@pytest.mark.parametrize("teacher", TEACHERS.values(), ids=TEACHERS.keys())
def test_a_teacher_passes_no_gradient_on(case: Prepare, teacher: str) -> None:
    found = case(f"a, b = torch.randn(3, requires_grad=True), torch.randn(3)\n{teacher}((s - b)**2).mean()")
    a = found.id("a")
    assert a not in found.results[VALUE].gradients
    assert found.proof().certified
    (node,) = (g for x, g in found.reading.forms.as_run.items() if x.tensor == a)
    assert not node.axes  # the constant 0


def test_a_student_beside_its_own_teacher_keeps_only_its_own_gradient(case: Prepare) -> None:
    found = case("a = torch.randn(3, requires_grad=True)\nwith torch.no_grad():\n    s = a * 2\n((a - s)**2).mean()")
    proof, rerun = found.proof(), found.results[VALUE]
    assert proof.certified
    a = found.reading.values[found.id("a")]
    assert rerun.gradients[found.id("a")].array() == pytest.approx(2 * (a - 2 * a) / 3)


def test_a_loss_under_no_grad_has_the_gradient_it_would_have(case: Prepare) -> None:
    found = case("a, b = torch.randn(3), torch.randn(3)\nwith torch.no_grad():\n    l = ((a * 2 - b)**2).mean()\nl")
    assert found.results[VALUE].gradients.keys() == {found.id("a"), found.id("b")}
    assert found.proof().certified


def test_inputs_of_the_users_that_want_no_gradient_are_leaves_all_the_same(case: Prepare) -> None:
    found = case(MSE)
    assert found.results[VALUE].gradients.keys() == {found.id("x"), found.id("y")}


@pytest.mark.parametrize(
    ("held", "expected"),
    [((), None), ((None, None), None), ((None, True), True), ((True, None, False), False)],
)
def test_steps_without_numbers_prove_nothing(
    case: Prepare, monkeypatch: pytest.MonkeyPatch, held: tuple[bool | None, ...], expected: bool | None
) -> None:
    found = case(MSE)
    monkeypatch.setattr(Derivation, "holds", lambda _: held)
    proof = found.proof()
    assert passed(proof)["steps"] is expected
    assert proof.certified == (expected is True)
    assert bool(proof.reasons) == (expected is not True)


def test_a_twin_is_not_needed_but_a_wrong_one_refuses(case: Prepare) -> None:
    found = case(MSE)
    assert passed(found.proof())["twin"] is True
    absent = RerunResult(TWIN, not_run="no room for it")
    assert passed(found.proof({TWIN: absent}))["twin"] is None
    assert found.proof({TWIN: absent}).certified
    recording = found.results[TWIN].recording
    assert recording is not None
    wrong = msgspec.structs.replace(found.results[TWIN], recording=msgspec.structs.replace(recording, stdout="7"))
    assert found.proof({TWIN: wrong}).verdict == "refused"


INF, NAN = np.inf, np.nan


@pytest.mark.parametrize(
    ("low", "high", "value", "expected"),
    [
        ([0.0], [1.0], [0.5], True),
        ([0.0], [1.0], [2.0], False),
        ([0.0], [1.0], [NAN], False),
        ([NAN], [NAN], [NAN], True),
        ([NAN], [NAN], [0.0], False),
        ([INF], [INF], [INF], True),
        ([INF], [INF], [0.0], False),
        ([-INF], [INF], [0.0], None),
        ([-INF], [INF], [NAN], None),
        ([-INF, 0.0], [INF, 1.0], [0.0, 0.5], None),
        ([-INF, 0.0], [INF, 1.0], [0.0, 2.0], False),
        ([], [], [], True),
    ],
)
def test_an_unknown_enclosure_holds_nothing_and_refuses_nothing(
    low: list[float], high: list[float], value: list[float], expected: bool | None
) -> None:
    assert contains((np.asarray(low), np.asarray(high)), np.asarray(value)) is expected


FAR = "x = torch.tensor([[1e30, 0.0, -1e30]], requires_grad=True)\n"


@pytest.mark.parametrize("loss", ["F.cross_entropy(x, torch.tensor([0]))", "F.cross_entropy(x, torch.tensor([1]))"])
def test_probabilities_of_far_logits_are_enclosed(case: Prepare, loss: str) -> None:
    assert case(FAR + loss).proof().certified


ENDLESS = "x = torch.tensor([[float('inf'), 0.0, 1.0], [1.0, 2.0, 3.0]])\n"


@pytest.mark.parametrize(
    "loss",
    [
        "F.cross_entropy(x, torch.tensor([0, 1]))",
        "F.cross_entropy(x, torch.tensor([1, 1]))",
        "F.log_softmax(x, 1)",
        "F.softmax(x, 1)",
        "torch.logsumexp(x, 1)",  # inf here, where torch's log-softmax is nan
        "x - torch.logsumexp(x, 1, keepdim=True)",
    ],
)
def test_infinite_logits_become_what_torch_makes_of_them(case: Prepare, loss: str) -> None:
    found = passed(case(ENDLESS + loss).proof())
    assert (found["value"], found["gradient"], found["float64"]) == (True, True, True)
    assert found["twin"] is not False


@pytest.mark.parametrize(
    ("native", "float64", "torch", "expected"),
    [
        (NAN, 0.5, INF, None),  # nan or inf, by where the factor that overflows is multiplied
        (INF, 0.5, 0.25, None),  # half precision that a kernel adds up in float32
        (NAN, NAN, INF, False),
        (INF, INF, 0.25, False),
        (1.0, 0.5, INF, False),
        (NAN, 0.5, NAN, True),
    ],
)
def test_nan_by_an_overflow_of_our_order_of_factors_refuses_nothing(
    native: float, float64: float, torch: float, expected: bool | None
) -> None:
    ours, finer, theirs = (np.asarray([number]) for number in (native, float64, torch))
    lies = contains((ours, ours), theirs)
    assert (contains(overflown((ours, ours), (finer, finer)), theirs) if lies is False else lies) is expected


CLASHES = (
    ("予", "測"),
    ("loss", "loss_"),
    ("ab_", "ab測"),
    ("math", "fsum"),
    ("i", "j"),
    ("a", "c"),
    ("range", "_"),
    ("print", "float"),
)


@pytest.mark.parametrize(("left", "right"), CLASHES)
def test_names_that_clash_in_python_stay_two_inputs(case: Prepare, left: str, right: str) -> None:
    made = f"{left}, {right} = T.randn(2, 3), T.randn(2, 3)\n"
    found = case(f"import torch as T\n{made}T.sum(T.exp({left} * 2) - {right})")
    assert len(found.reading.forms.as_run) == 2
    proof = found.proof()
    assert passed(proof)["twin"] is True, found.results[TWIN]
    assert proof.certified


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(2, 0), (0, 3), (0, 0)])
def test_no_classes_and_no_rows_are_what_torch_makes_of_them(
    case: Prepare, shape: tuple[int, int], reduction: str
) -> None:
    proof = case(f"F.cross_entropy(torch.zeros{shape}, torch.zeros{shape}, reduction='{reduction}')").proof()
    assert passed(proof)["value"] is True
    assert passed(proof)["float64"] is True
