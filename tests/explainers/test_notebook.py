"""explain, watch and explain_error, as somebody at a notebook uses them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from explainers import explain, explain_error, watch


def test_a_name_a_module_and_a_function_of_ones_own_are_explained_alike() -> None:
    logits, target = torch.tensor([[2.0, 0.5, -1.0]]), torch.tensor([0])

    def mine(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return -torch.log(torch.softmax(x, dim=1)[torch.arange(1), y]).mean()

    by_name = explain("cross_entropy", logits, target)
    by_module = explain(torch.nn.CrossEntropyLoss(), logits, target)
    by_hand = explain(mine, logits, target)
    assert by_name.value == by_module.value == torch.nn.functional.cross_entropy(logits, target).item()
    assert by_hand.value == pytest.approx(by_name.value, abs=1e-6)
    assert all(found.proof.certified for found in (by_name, by_module, by_hand))
    assert by_hand.equals is not None and by_hand.equals.name == "cross_entropy"


def test_arguments_reach_the_formula() -> None:
    logits, target = torch.tensor([[2.0, 0.5, -1.0]]), torch.tensor([0])
    plain, smoothed = (
        explain("cross_entropy", logits, target),
        explain("cross_entropy", logits, target, label_smoothing=0.1),
    )
    assert smoothed.value > plain.value and smoothed.proof.certified


def test_a_block_is_watched() -> None:
    with watch() as run:
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        loss = ((x - torch.tensor([1.5, 0.0])) ** 2).mean()
    found = run.explain(loss, expected=0.0)
    assert found.value == loss.item() and found.proof.certified
    assert found.equals is not None and found.equals.name == "mse_loss"
    assert found.gradient["x"] == pytest.approx([-0.5, 2.0])
    with pytest.raises(ValueError, match="not computed while we watched"):
        run.explain(torch.zeros(1))


def test_an_explanation_shows_itself() -> None:
    found = explain("mse_loss", torch.tensor([1.0]), torch.tensor([3.0]))
    assert vars(type(found))["_repr_png_"](found).startswith(b"\x89PNG")
    assert str(found).startswith("4 is right.") and found.verdict in str(found)


def test_what_torch_refuses_raises_torchs_exception_and_is_explained() -> None:
    with pytest.raises(IndexError, match="out of bounds") as caught:
        explain("cross_entropy", torch.zeros(4, 3), torch.tensor([0, 1, 2, 3]))
    failure = explain_error(caught.value)
    assert failure.type == "IndexError" and failure.call == "cross_entropy"
    assert failure.tensors == {"input": "float32 of shape (4, 3)", "target": "int64 of shape (4,)"}
    assert failure.explanation is not None
    found = failure.explanation.diagnoses[0]
    assert (found.slug, found.confidence) == ("ce-target-out-of-range", "shown")
    assert found.fix is not None and found.fix.diff[-1] == "+ F.cross_entropy(input, target, ignore_index=3)"
    with pytest.raises(ValueError, match="have no 'no_such_loss'"):
        explain("no_such_loss")


def test_an_exception_from_anywhere_is_described_by_its_frame() -> None:
    def step(weights: torch.Tensor) -> torch.Tensor:
        return weights @ torch.ones(3)

    with pytest.raises(RuntimeError) as caught:
        step(torch.ones(2, 2))
    failure = explain_error(caught.value)
    assert failure.call.endswith("of step") and failure.tensors == {"weights": "float32 of shape (2, 2)"}
    assert failure.explanation is not None
    assert failure.explanation.diagnoses[0].slug == "matmul-sizes"


def test_nothing_but_torchs_own_expressions_is_run_again_for_an_exception() -> None:
    ran: list[str] = []

    def noted(x: torch.Tensor) -> torch.Tensor:
        ran.append("again")
        return x @ torch.ones(3)

    x = torch.ones(2, requires_grad=True)
    for failing in (lambda: torch.relu(noted(torch.ones(2, 2))), lambda: x.add_(1), (x * 2).backward):
        with pytest.raises(RuntimeError) as caught:
            failing()
        ran.clear()
        assert explain_error(caught.value).message
        assert ran == [] and x.tolist() == [1.0, 1.0] and x.grad is None


def test_an_exception_that_leaves_a_watched_block_is_explained_by_what_was_recorded() -> None:
    ran: list[str] = []

    def noted(x: torch.Tensor) -> torch.Tensor:
        ran.append("once")
        return x @ torch.ones(3)

    weights = torch.ones(2, 2)
    with pytest.raises(RuntimeError) as caught, watch():
        torch.relu(noted(weights * 2))
    found = explain_error(caught.value).explanation
    assert found is not None and ran == ["once"]
    assert found.diagnoses[0].slug == "matmul-sizes"
    assert "(2, 2)" in str(found)
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError) as caught, watch():
        probabilities = w.sigmoid()
        probabilities[0] = 0.5
        probabilities.sum().backward()
    second = explain_error(caught.value)
    assert second.explanation is not None and second.explanation.diagnoses[0].slug == "modified-in-place"


def test_a_million_elements_are_certified_without_a_symbol_for_each() -> None:
    torch.manual_seed(0)
    found = explain("cross_entropy", torch.randn(2000, 500), torch.randint(0, 500, (2000,)))
    assert found.proof.certified
    assert len(str(found)) < 5000


def test_deriving_and_drawing_need_no_torch() -> None:
    code = "import sys, explainers.telling, explainers.cards.render; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
