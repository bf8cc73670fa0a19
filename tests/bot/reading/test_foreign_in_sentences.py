"""Losses of other frameworks that are called inside a sentence: read as on a line of their own."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bot.reading import Question, read

LOGITS = "tf.keras.losses.CategoricalCrossentropy(from_logits=True)([[0.,1.,0.]], [[2.,5.,1.]])"
SMOOTHED = "keras.losses.CategoricalCrossentropy(label_smoothing=0.1)([[0,1,0]],[[0.05,0.9,0.05]])"
BINARY = "tf.keras.losses.BinaryCrossentropy(label_smoothing=0.2)([[0., 1.]], [[0.3, 0.6]])"
OPTAX = "optax.softmax_cross_entropy_with_integer_labels(jnp.array([[1., 2., 3.]]), jnp.array([0]))"
HUBER = "tf.keras.losses.Huber(delta=2.0)([0.],[5.])"


def question(message: str) -> Question:
    found = read(message)
    assert isinstance(found, Question)
    return found


def values(message: str) -> list[float]:
    """What each program of the message returns."""
    results: list[float] = []
    for found in question(message).snippets:
        names: dict[str, object] = {"torch": torch, "F": F}
        *before, last = found.source.split("\n")
        exec("\n".join(before), names)
        results.append(float(np.asarray(eval(last, names)).reshape(-1)[0]))
    return results


@pytest.mark.parametrize("call", [LOGITS, SMOOTHED, BINARY, OPTAX, HUBER])
@pytest.mark.parametrize("sentence", ["{} is what in pytorch?", "why does {} differ from torch?", "I tried {}"])
def test_a_call_in_a_sentence_is_the_program_that_it_is_on_its_own_line(call: str, sentence: str):
    alone = [each.source for each in question(f"{call}\nin torch?").snippets]
    assert alone == [each.source for each in question(sentence.format(call)).snippets] != []


@pytest.mark.parametrize("call", [LOGITS, HUBER])
def test_torch_gets_the_options_that_it_has_too(call: str):
    theirs, ours = values(call + "\nin torch?")
    assert theirs == pytest.approx(ours)


def test_smoothing_takes_from_two_classes_what_each_gets_half_of():
    expected = -sum(
        t * math.log(p) + (1 - t) * math.log(1 - p)
        for t, p in ((0.1, 0.3), (0.9, 0.6))
    ) / 2  # fmt: skip
    assert values(BINARY + "\nin torch?") == pytest.approx([expected, expected], abs=1e-5)


def test_the_target_comes_first_there():
    assert values(f"{LOGITS} is what in pytorch?")[0] == pytest.approx(-F.log_softmax(torch.tensor([2.0, 5, 1]), 0)[1])
