"""A refused call of `explain`: the argument that is named is the one that does not fit, under torch's name for it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from explainers import explain, explain_error


def verdict(loss: str, *args: Any, **options: Any) -> str:
    with pytest.raises(RuntimeError) as raised:
        explain(loss, *args, **options)
    return str(explain_error(raised.value))


@pytest.mark.parametrize("odd", [0, 1, 2])
def test_the_operand_with_other_dimensions_is_named(odd: int) -> None:
    names = ("input1", "input2", "target")
    said = verdict("margin_ranking_loss", *(torch.ones(2, 2) if k == odd else torch.ones(2) for k in range(3)))
    sentence = next(line for line in said.splitlines() if "same number of dimensions" in line)
    assert f"{names[odd]} has shape (2, 2)" in sentence
    assert sentence.count("has shape (2,):") + sentence.count("has shape (2,),") == 1


def test_an_operand_has_torchs_name() -> None:
    said = verdict("linear_cross_entropy", torch.ones(2, 3), torch.ones(4, 2), torch.tensor([0, 1]))
    assert "linear_weight of shape (4, 2) wants 2" in said


@pytest.mark.parametrize(
    ("loss", "options"),
    [("smooth_l1_loss", {"beta": -1.0}), ("huber_loss", {"delta": 0.0}), ("huber_loss", {"delta": -2.0})],
)
def test_a_value_in_place_of_a_refused_one_is_not_called_the_nearest(loss: str, options: dict[str, float]) -> None:
    said = verdict(loss, torch.ones(2), torch.ones(2), **options)
    assert "is one that it takes" in said and "nearest" not in said
