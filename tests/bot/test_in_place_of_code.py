"""Code that cannot be run as it stands: the answer comes from the example that shows what is asked, or asks back."""

import math
from typing import Any

import pytest

from bot.exchange import Answer

LOOP = (
    "running_loss = 0.0\nfor x, y in loader:\n    optimizer.zero_grad()\n    loss = {}(net(x), y)\n"
    "    loss.backward()\n    optimizer.step()\n    running_loss += {}\n"
)


def slugs(answer: Answer) -> list[str]:
    return [found.slug for found in answer.diagnoses]


async def test_a_running_total_is_found_in_a_loop_whose_loss_nobody_defines(answer: Any) -> None:
    found: Answer = await answer(LOOP.format("criterion", "loss") + "\nmemory grows until it is killed. why?")
    assert slugs(found)[:1] == ["loss-added-up-with-history"]
    assert "item()" in found.text


async def test_made_up_numbers_of_an_assumed_loss_are_not_explained(answer: Any) -> None:
    found: Answer = await answer(LOOP.format("criterion", "loss.item()") + "\nwhy is my loss so noisy?")
    assert (found.outcome, found.value) == ("needs-input", None)


async def test_an_error_of_backward_is_shown_by_an_example_that_raises_it(answer: Any) -> None:
    found: Answer = await answer(
        "loss.backward()\nRuntimeError: element 0 of tensors does not require grad and does not have a grad_fn\n"
        "with loss.requires_grad = True it runs, but nothing is learned"
    )
    assert found.outcome == "failed"
    assert slugs(found)[:1] == ["detached-loss"]


async def test_an_argument_that_hides_what_is_asked_is_left_out_of_the_example(answer: Any) -> None:
    found: Answer = await answer(
        "F.cross_entropy(x, y, weight=w, reduction='none').mean() differs from F.cross_entropy(x, y, weight=w), why?"
    )
    assert slugs(found)[:1] == ["ce-weighted-mean-denominator"]


async def test_a_telling_number_beside_undefined_names_is_answered(answer: Any) -> None:
    found: Answer = await answer("```\nloss = criterion(model(x), y)\nprint(loss)\n```\nprints 2.3026, always. why?")
    assert "ln 10" in found.text
    assert slugs(found)[:1] == ["chance-level-ln-c"]


async def test_what_is_stated_is_not_asked_back(answer: Any) -> None:
    stated: Answer = await answer("triplet loss with margin 0.5 stays at 0.5000, why?")
    assert "Is 0.5 the margin" not in stated.text
    open_: Answer = await answer("my triplet loss stays at 0.5000, why?")
    assert "Is 0.5 the margin" in open_.text


async def test_printed_numbers_of_an_assumed_loss_are_the_askers_own(answer: Any) -> None:
    found: Answer = await answer(
        "```ansi\n\x1b[32mloss\x1b[0m tensor(1.0986)\nlogits tensor([[0.2, 0.2, 0.2]])\ntarget tensor([1])\n```\nwhy"
    )
    assert (found.outcome, found.loss) == ("explained", "cross_entropy")
    assert found.value == pytest.approx(1.0986, abs=1e-4)


async def test_a_margin_that_a_loss_is_stuck_at_is_told_from_one_digit(answer: Any) -> None:
    found: Answer = await answer("margin ranking loss stuck at exactly 0.3")
    assert found.value == pytest.approx(0.3)
    assert [(each.slug, each.confidence) for each in found.diagnoses] == [("ranking-margin-at-tie", "possible")]


@pytest.mark.parametrize(
    ("head", "imported"), [("from sklearn.metrics import log_loss\n", True), ("import torch as log_losses\n", False)]
)
async def test_an_import_of_what_is_not_here_is_told_from_what_nobody_defines(
    head: str, imported: bool, answer: Any
) -> None:
    found: Answer = await answer(
        f"```python\n{head}import torch\nprint(log_loss([1, 0], torch.tensor([0.9, 0.2])))\n```"
    )
    assert (found.outcome, found.missing) == ("needs-input", ("log_loss",))
    assert ("imported from" in found.verdict) == imported
    assert ("nothing defines" in found.verdict) != imported


async def test_the_askers_own_lines_settle_what_a_number_is(answer: Any) -> None:
    loop = "criterion = nn.CrossEntropyLoss()\nfor x, y in loader:\n    loss = criterion({}(model(x)), y)\n"
    twice: Answer = await answer(f"stuck at 1.46, 10 classes\n```\n{loop.format('F.softmax')}\n```")
    assert "Your code shows it" in twice.text
    assert "Are these one-hot rows" not in twice.text
    once: Answer = await answer(f"stuck at 1.46, 10 classes\n```\n{loop.format('')}\n```")
    assert "Are these one-hot rows" in once.text


async def test_a_cause_that_words_name_is_run_beside_what_the_number_is(answer: Any) -> None:
    found: Answer = await answer("模型最后一层有sigmoid, 用BCEWithLogitsLoss, loss一直停在0.3133", locale="en")
    assert slugs(found)[:1] == ["bcewl-probabilities-as-logits"]
    assert "Your words name a cause of it" in found.text


async def test_a_tensor_without_a_name_that_is_cut_off_is_asked_for(answer: Any) -> None:
    found: Answer = await answer(
        "cross entropy is 2.41 for\ntensor([[0.1, 0.2],\n        ...,\n        [0.7, 0.8]])\nwhy?"
    )
    assert found.outcome == "needs-input"
    assert "cut off" in found.text


async def test_a_number_without_code_is_what_the_verdict_is_about(answer: Any) -> None:
    found: Answer = await answer("my cross entropy loss is 1.2345, why?")
    assert f"p = {math.exp(-1.2345):.3g}" in found.verdict
    assert "1.2345" in found.verdict
    assert found.drawn.card is None, "a picture of the example would show its number for the asker's"
    assert found.text.startswith(found.verdict)


async def test_a_printed_tensor_is_spoken_of_as_its_number(answer: Any) -> None:
    found: Answer = await answer("my mse_loss prints tensor(1.00000e-02 *\n       9.8371), why?")
    assert "tensor(" not in found.verdict and "0.098371" in found.verdict


async def test_a_number_without_its_tensors_is_not_measured_by_random_ones(answer: Any) -> None:
    found: Answer = await answer("F.mse_loss(pred, target) is 6.25, why?")
    assert "2.5 = " in found.verdict
