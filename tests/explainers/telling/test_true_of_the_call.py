"""Sentences about a loss hold for the very call: its eps, its numbers, what is held fixed, and torch's own backward."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from explainers import explain


def test_an_exact_loss_that_float64_has_no_number_for_is_not_told_to_be_0() -> None:
    found = explain("cross_entropy", torch.tensor([[1000.0, 0, 0]]), torch.tensor([0]))
    assert "above 0 but below 5e-324" in found.verdict
    assert "exactly it is 0" not in str(found)


def test_equal_vectors_without_eps_are_at_distance_0_and_nothing_denies_it() -> None:
    u = torch.ones(1, 2)
    found = explain("pairwise_distance", u, u.clone(), eps=0.0)
    assert F.pairwise_distance(u, u, eps=0.0).item() == 0
    assert "not at distance 0" not in str(found) and "only if eps is 0" in str(found)


@pytest.mark.parametrize(("numbers", "probable"), [([2.0, 1.5], False), ([0.2, 0.8], True)])
def test_only_numbers_up_to_1_are_called_probabilities(numbers: list[float], probable: bool) -> None:
    found = explain("kl_div", torch.tensor(numbers), torch.tensor([0.3, 0.7]), reduction="sum")
    assert ("these are probabilities" in found.verdict) == probable


def test_what_is_not_finite_is_told_without_an_empty_place() -> None:
    found = explain("cross_entropy", torch.tensor([[1.0, torch.inf, 0]]), torch.tensor([1]))
    assert "made by cross_entropy." in str(found) and " at ." not in str(found)


def test_the_gradient_of_ctc_is_told_to_be_torchs_backward_which_differs_from_the_derivative() -> None:
    z = torch.tensor([[0.6, 0.4], [0.5, 0.5]]).log().requires_grad_()
    labels, lengths = torch.tensor([1]), (torch.tensor(2), torch.tensor(1))
    (slope,) = torch.autograd.grad(F.ctc_loss(z, labels, *lengths), z)
    with torch.no_grad():
        step = 1e-2 * torch.eye(4)[0].reshape(2, 2)
        measured = (F.ctc_loss(z + step, labels, *lengths) - F.ctc_loss(z - step, labels, *lengths)) / 2e-2
    assert abs(slope[0, 0].item() - measured.item()) > 0.1
    assert "not that of the formula by log_probs itself" in str(explain("ctc_loss", z.detach(), labels, *lengths))


def test_the_forward_rule_of_ctc_has_its_condition_in_it() -> None:
    z = torch.full((4, 1, 3), 1 / 3).log()
    assert "(1 − δ(l_s, l_(s − 2)))" in str(explain("ctc_loss", z, torch.tensor([[1, 1, 2]]), (4,), (3,)))


def test_a_least_value_says_what_is_held_and_an_endless_fall_for_which_inputs() -> None:
    x, y = torch.tensor([0.5, 1.0]), torch.tensor([1.0, 3.0])
    assert "with var as it is, is" in str(explain("gaussian_nll_loss", x, y, torch.tensor([0.5, 2.0])))
    hinge = str(explain("hinge_embedding_loss", x, torch.tensor([1.0, -1.0])))
    assert "Of distances it is never below 0" in hinge and "There is no least value" not in hinge
    nll = str(explain("nll_loss", x.reshape(1, 2).log_softmax(1), torch.tensor([0])))
    assert "Of log-probabilities it is never below 0" in nll and "There is no least value" not in nll
