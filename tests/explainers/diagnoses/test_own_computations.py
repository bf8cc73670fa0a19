"""A loss that a program computes twice: where its own computation parts from the library's, proven by a changed run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from explainers.claims import Claim

HEAD = "import math\nimport numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
SCORES = "z = np.array([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ny = np.array([0, 1])\n"
TORCH = "print(F.cross_entropy(torch.tensor(z), torch.tensor(y)))\n"
OWN: dict[str, tuple[str, str]] = {
    "softmax over everything": (
        SCORES + "p = np.exp(z) / np.sum(np.exp(z))\nprint(-np.log(p[range(2), y]).mean())\n" + TORCH,
        "+ p = np.exp(z) / np.sum(np.exp(z), axis=-1, keepdims=True)",
    ),
    "softmax over the batch, its axis dropped": (
        SCORES + "e = np.exp(z)\np = e / e.sum(axis=0)\nprint(-np.log(p[range(2), y]).mean())\n" + TORCH,
        "+ p = e / e.sum(axis=-1, keepdims=True)",
    ),
    "deviations of numpy and torch": (
        "x = np.array([1.0, 2.0, 4.0, 7.0])\nprint(np.std(x), torch.std(torch.tensor(x)))",
        "+ print(np.std(x, ddof=1), torch.std(torch.tensor(x)))",
    ),
    "softmax of torch over the batch": (
        "z = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ny = torch.tensor([0, 1])\n"
        "p = torch.softmax(z, 0)\nprint(-p[range(2), y].log().mean(), F.cross_entropy(z, y))",
        "+ p = torch.softmax(z, -1)",
    ),
    "clipped probabilities": (
        "p, y = np.array([1e-9, 0.2, 0.7]), np.array([1.0, 0.0, 1.0])\nq = np.clip(p, 1e-3, 1 - 1e-3)\n"
        "print(-np.mean(y * np.log(q) + (1 - y) * np.log(1 - q)))\n"
        "print(F.binary_cross_entropy(torch.tensor(p), torch.tensor(y)))",
        "+ q = p",
    ),
    "a small number under the logarithm": (
        "p, y = torch.tensor([1e-4, 0.2]), torch.tensor([1.0, 0.0])\n"
        "print(-(y * torch.log(p + 1e-3) + (1 - y) * torch.log(1 - p)).mean())\nprint(F.binary_cross_entropy(p, y))",
        "+ print(-(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean())",
    ),
    "the root of the mean": (
        "a, b = np.array([1.0, 2.0, 4.0]), np.array([0.5, 2.5, 1.0])\nprint(np.sqrt(((a - b) ** 2).mean()))\n"
        "print(F.mse_loss(torch.tensor(a), torch.tensor(b)))",
        "+ print(((a - b) ** 2).mean())",
    ),
    "the sign": (
        SCORES + "e = np.exp(z)\nloss = np.log(e[range(2), y] / e.sum(1)).mean()\nprint(loss)\n" + TORCH,
        "+ print(-(loss))",
    ),
}
UNSURE = {"the root of the mean"}


@pytest.mark.parametrize("name", OWN)
def test_the_line_where_the_two_part_is_proven_by_a_run_with_it_changed(
    name: str, diagnose: Callable[..., Any]
) -> None:
    source, changed = OWN[name]
    found = next(d for d in diagnose(HEAD + source).diagnoses if d.slug == "own-computation-differs")
    assert found.confidence == ("possible" if name in UNSURE else "shown")
    assert found.fix is not None and found.fix.diff[-1] == changed
    (counterfactual,) = found.counterfactuals
    assert counterfactual.agrees


@pytest.mark.parametrize(
    ("source", "slug"),
    [
        (
            "z = torch.tensor([[2.0, 0.5, -1.0], [0.2, 1.7, -0.3]])\ny = torch.tensor([0, 1])\n"
            "w = torch.tensor([1.0, 5.0, 1.0])\n"
            "print((-F.log_softmax(z, 1)[range(2), y] * w[y]).mean())\nprint(F.cross_entropy(z, y, weight=w))",
            "ce-weighted-mean-denominator",
        ),
        (
            "x, t = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 1.0])\n"
            "print(((x - t) ** 2).sum() / (2 * len(x)))\nprint(F.mse_loss(x, t))",
            "mse-no-half",
        ),
        (
            "a, b = np.array([1.0, 2.0, 4.0]), np.array([0.5, 2.5, 1.0])\nprint(f'own: {np.sum((a - b) ** 2):.4f}')\n"
            "print(F.mse_loss(torch.tensor(a), torch.tensor(b)))",
            "reduction-expected-sum",
        ),
    ],
)
def test_what_the_program_computes_by_itself_proves_what_the_library_does(
    source: str, slug: str, diagnose: Callable[..., Any]
) -> None:
    first = diagnose(HEAD + source).diagnoses[0]
    assert (first.slug, first.confidence) == (slug, "shown")
    assert any(c.agrees for c in first.counterfactuals)


@pytest.mark.parametrize(
    "source",
    [
        "x = torch.tensor([1.0, 2.0])\nloss = F.mse_loss(x, torch.zeros(2))\nprint(loss, loss.sqrt())",
        "x = torch.tensor([1.0, 2.0])\nprint(np.float64(0.25))\nprint(F.mse_loss(x, torch.zeros(2)))",
        "x = torch.tensor([1.0, 2.0])\nprint(F.l1_loss(x, torch.zeros(2)), F.mse_loss(x, torch.zeros(2)))",
    ],
)
def test_other_numbers_beside_a_loss_are_no_second_computation(source: str, diagnose: Callable[..., Any]) -> None:
    assert "own-computation-differs" not in diagnose(HEAD + source).slugs


def test_a_loop_that_learns_when_it_is_changed_is_shown_to_one_who_says_that_it_does_not(
    diagnose: Callable[..., Any],
) -> None:
    source = (
        "torch.manual_seed(0)\nw = torch.zeros(1, requires_grad=True)\nopt = torch.optim.SGD([w], lr=0.1)\n"
        "for k in range(5):\n    loss = ((w - 2) ** 2).sum()\n    opt.zero_grad()\n    loss.backward()\nprint(loss)"
    )
    stuck = Claim("behaviour", "not-decreasing")
    first = diagnose(HEAD + source, (stuck,)).diagnoses[0]
    assert (first.slug, first.confidence) == ("optimizer-not-stepped", "shown")
    assert not any(c.expected for c in first.counterfactuals), "nobody expected that number"
