"""Losses of three tensors whose values stand in a sentence."""

import pytest
import torch
import torch.nn.functional as F

from bot.reading import Question, read


def value(message: str) -> float:
    asked = read(message)
    assert isinstance(asked, Question), asked
    assert asked.subject is not None
    return float(eval(asked.snippets[asked.subject].source, {"torch": torch, "F": F}))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("triplet margin loss: anchor [[0., 0.]], positive [[1., 0.]], negative [[1.5, 0.]] gives 0.5", 0.5),
        ("TripletMarginLoss with negative [[1.5, 0.]], positive [[1., 0.]] and anchor [[0., 0.]]?", 0.5),
        ("triplet loss of [[0., 0.]], [[1., 0.]] and [[1.5, 0.]] with margin 2, why 1.5?", 1.5),
        ("トリプレット損失 (triplet margin loss) で アンカーは [[0., 0.]]、正例は [[1., 0.]]、負例は [[1.5, 0.]]", 0.5),
        ("cosine_embedding_loss of [[1., 0.]] and [[0., 1.]] with target [1] is 1.0", 1.0),
        ("cosine embedding loss of x1 = [1., 0.] and x2 = [1., 0.], target -1", 1.0),
        ("margin ranking loss: x1 = [0.5], x2 = [1.0], y = [1], margin=0.2", 0.7),
        ("gaussian nll loss with input [1.0], target [2.0], var [1.0] gives 0.5", 0.5),
        ("GaussianNLLLoss: variance [4.0], mean [1.0], target [3.0]", 0.5 * (torch.log(torch.tensor(4.0)).item() + 1)),
    ],
)
def test_each_tensor_is_the_argument_that_its_word_or_place_says(message: str, expected: float) -> None:
    assert value(message) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "message",
    [
        "triplet margin loss: anchor [[0., 0.]], positive [[1., 0.]], why 0.5?",
        "triplet margin loss of [[0., 0.]], [[1., 0.]] and [1., 2., 3.]?",
        "cosine embedding loss of [1., 0.] and [1., 0.] and [1, -1]?",
        "gaussian nll loss is 0.5, why?",
    ],
)
def test_without_three_that_fit_there_is_no_call(message: str) -> None:
    asked = read(message)
    sources = [each.source for each in asked.snippets] if isinstance(asked, Question) else []
    assert not any("torch.tensor" in source for source in sources)


def test_a_negative_that_is_given_is_no_behaviour() -> None:
    asked = read("triplet margin loss: anchor [[0., 0.]], positive [[1., 0.]], negative [[3., 0.]] is 0, why?")
    assert isinstance(asked, Question)
    assert [claim.kind for claim in asked.claims] == ["printed"]
