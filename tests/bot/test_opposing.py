"""Two losses that words set against each other are both run; what makes one of them the other is found by trying."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from bot.exchange import Answer
from bot.opposing import opposed, program
from bot.reading import Question, read


@pytest.mark.parametrize(
    ("message", "pair"),
    [
        ("Was ist der Unterschied zwischen KLDivLoss und CrossEntropyLoss?", ("kl_div", "cross_entropy")),
        ("BCELoss vs BCEWithLogitsLoss", ("binary_cross_entropy", "binary_cross_entropy_with_logits")),
        ("TripletMarginLoss vs CosineEmbeddingLoss?", None),
        ("how do I use NLLLoss and CrossEntropyLoss?", None),
    ],
)
def test_a_pair_is_what_words_set_against_each_other(message: str, pair: tuple[str, str] | None) -> None:
    reading = read(message)
    assert isinstance(reading, Question)
    assert opposed(reading) == pair


@pytest.mark.parametrize(
    ("message", "least"),
    [("What's the difference between NLLLoss and CrossEntropyLoss?", 2), ("difference between MSE and L1 loss?", 1)],
)
async def test_both_are_run_on_the_same_numbers(message: str, least: int, answer: Any) -> None:
    found: Answer = await answer(message)
    assert found.loss is not None
    assert any(each.loss not in (None, found.loss) for each in found.others)
    assert len(found.others) >= least
    names = {"torch": torch, "F": F}
    exec(next(each.text for each in found.paragraphs if "torch.tensor" in each.text).partition("\n")[2], names)
    for each in found.others:
        assert each.value == pytest.approx(float(eval(each.expression, names)))
    same = [each for each in found.others if each.value == pytest.approx(found.value)]
    assert bool(same) == (least > 1)


def test_a_plain_call_that_runs_is_shown_beside_the_one_that_is_the_same() -> None:
    ran = ["F.nll_loss(x, y)", "F.nll_loss(x.log_softmax(-1), y)"]
    shown = program("cross_entropy", "nll_loss", ran[1:], ran).splitlines()[-3:]
    assert shown == [*ran, "F.cross_entropy(x, y)"]
