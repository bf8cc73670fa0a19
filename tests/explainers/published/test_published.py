"""Losses of papers and repositories, whole: certified, and unfolded up to their data, their model and their places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from explainers.derivation import Definition, Quantity
from explainers.reading import Reading
from tests.explainers.published import (
    decision_programs,
    density_programs,
    image_programs,
    metric_programs,
    representation_programs,
)

PROGRAMS: Mapping[str, str] = {
    **image_programs.CERTIFIED,
    **density_programs.CERTIFIED,
    **metric_programs.CERTIFIED,
    **representation_programs.CERTIFIED,
    **decision_programs.CERTIFIED,
}
FACTORIES = frozenset(
    ("tensor", "as_tensor", "Tensor", "zeros", "ones", "full", "arange", "eye", "linspace", "rand", "randn")
) | {"zeros_like", "ones_like", "rand_like", "randn_like", "normal_", "uniform_"}
PLACES = frozenset(("argmin", "argsort", "bincount"))
GIVEN: Mapping[str, frozenset[str]] = {
    "PERCEPTUAL": frozenset(("conv2d",)),
    "DQN": frozenset(("linear",)),
    "GRADIENT_PENALTY": frozenset(("linear", "grad")),
    "FOCAL_FREQUENCY": frozenset(("real", "imag")),
    "MULTIVARIATE_NORMAL": frozenset(("solve_triangular",)),
}
SAYS: Mapping[str, tuple[str, ...]] = {
    "NEGATIVE_BINOMIAL": ("loggamma(theta[", "log("),
    "EVIDENTIAL_CLASSES": ("digamma(", "loggamma("),
    "VON_MISES": ("I_0(kappa", "cos("),
    "CIOU_BY_ATAN2": ("atan(",),
    "ARC_FACE_BY_ACOS": ("cos(", "acos("),
    "CRPS_OF_A_NORMAL": ("erf(",),
    "GAUSSIAN_ERFC_TAIL": ("erfc(",),
    "SSIM": ("Sum(",),
}
QUANTITIES: Mapping[str, frozenset[str]] = {
    "BATCH_HARD_MOINDROT": frozenset(("hardest_positive_dist", "hardest_negative_dist")),
    "R1_PENALTY": frozenset(("score", "penalty")),
    "BARLOW_TWINS": frozenset(("on_diag", "off_diag")),
}


def test_the_table_is_long_enough() -> None:
    assert len(PROGRAMS) >= 90


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_published_loss_is_certified_and_unfolded(name: str, explained: Callable[[str], Any]) -> None:
    found = explained(PROGRAMS[name]).explanation
    assert isinstance(found.reading, Reading), found.reading
    assert found.proof.certified, found.proof
    assert False not in found.derivation.holds()
    assert found.value == pytest.approx(found.recording.shown[-1].number), "it is about what the program shows"
    given = {call.function.rpartition(".")[2] for call in found.reading.forms.composition.given}
    assert given <= FACTORIES | PLACES | GIVEN.get(name, frozenset())
    assert found.gradients
    steps = [step for step in found.derivation.steps if isinstance(step, Definition | Quantity)]
    page = " ".join(str(step.forms if isinstance(step, Definition) else step.formula) for step in steps)
    assert all(part in page for part in SAYS.get(name, ())), page
    assert QUANTITIES.get(name, frozenset()) <= {step.symbol for step in steps if isinstance(step, Quantity)}


def test_the_diagonal_of_distances_is_nought_in_a_larger_batch_too(explained: Callable[[str], Any]) -> None:
    labels, rows = "torch.tensor([0, 0, 1, 1])", "torch.randn(4, 3, requires_grad=True)"
    larger = metric_programs.BATCH_HARD_MOINDROT.replace(labels, "torch.arange(16) // 4")
    found = explained(larger.replace(rows, rows.replace("(4, 3", "(16, 4"))).explanation
    assert found.proof.certified, found.proof
