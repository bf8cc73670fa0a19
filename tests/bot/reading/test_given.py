"""Values that a message shows for names which its code needs: by label, as output, in comments, in files."""

import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bot.reading import File, NeedsInput, Question, read
from bot.reading.arrays import MAX_ENTRIES
from bot.reading.arrays import arrays as arrays_of
from bot.reading.old_prints import old_prints

VALUE = "tensor([[ 0.5, -1.0],\n        [ 2.0,  0.0]], device='cuda:0', grad_fn=<AddmmBackward0>)"
EXPECTED = (math.log1p(math.exp(1.5)) + math.log1p(math.exp(-2))) / 2
CALL = "loss = F.cross_entropy(scores, labels)\nprint(loss)"


def run(question: Question) -> float:
    """What the subject's loss is, with what was supplied for it."""
    assert question.subject is not None
    assert question.missing == ()
    snippet = question.snippets[question.subject]
    names: dict[str, object] = {}
    exec(f"import torch\nimport torch.nn.functional as F\n{snippet.prelude}\n{snippet.source}", names)
    return names["loss"].item()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "message",
    [
        f"scores is {VALUE} and labels = tensor([1, 0])\n```\n{CALL}\n```\nwhy 0.91?",
        f"```\n{CALL}\n```\nscores: {VALUE}\nlabels: tensor([1, 0])\nwhy this loss?",
        f"```\nscores = model(x)\nprint(scores)\n{VALUE}\nlabels = torch.tensor([1, 0])\n{CALL}\n```\nwhy this loss?",
        "```\nscores = net(batch)  # tensor([[0.5, -1.0], [2.0, 0.0]])\nlabels = y  # tensor([1, 0])\n"
        f"{CALL}\n```\nwhy this loss?",
        f"In [1]: scores\nOut[1]: {VALUE}\n\nIn [2]: labels\nOut[2]: tensor([1, 0])\n\n"
        f"In [3]: {CALL.splitlines()[0]}\n\nwhy is the loss what it is?",
    ],
)
def test_what_is_shown_for_a_name_is_put_in_where_nobody_defines_it(message: str) -> None:
    asked = read(message)
    assert isinstance(asked, Question)
    assert run(asked) == pytest.approx(EXPECTED)
    assert not any(isinstance(claim.value, tuple) for claim in asked.claims)


def test_a_shown_loss_is_a_claim_and_never_put_in() -> None:
    asked = read("```\nloss = criterion(out, y)\nprint(loss)\ntensor(1.5)\n```\nwhy is my loss 1.5?")
    assert isinstance(asked, Question)
    assert asked.missing == ("criterion", "out", "y")
    assert [claim.value for claim in asked.claims] == [1.5]


def test_a_number_said_of_a_name_never_takes_the_place_of_its_formula() -> None:
    code = "p = torch.tensor([0.9])\nL = -2 * torch.log(p)\nprint(L)"
    found = read(f"from a repo:\n\nL=-a*log(p)\n\n```python\n{code}\n```\nL is 0.2107, I expected less")
    assert isinstance(found, Question) and found.subject is not None
    assert found.snippets[found.subject].source == code


def test_a_definition_that_comes_later_goes_first() -> None:
    asked = read("```\nloss = crit(torch.ones(2), torch.zeros(2))\n```\nwith\n```\ncrit = nn.MSELoss()\n```\nwhy 1?")
    assert isinstance(asked, Question)
    assert run(asked) == 1.0


@pytest.mark.parametrize("suffix", ["npy", "npz", "csv", "json"])
def test_arrays_in_files_are_values_for_their_names(suffix: str) -> None:
    scores, labels = np.array([[0.5, -1.0], [2.0, 0.0]], "float32"), np.array([1, 0])
    files = [
        File(f"{name}.{suffix}", packed(suffix, value)) for name, value in (("scores", scores), ("labels", labels))
    ]
    if suffix == "csv":  # a column is a vector
        files[0] = File("scores.json", packed("json", scores))
        files[1] = File("any.csv", b"id,labels,who\n7,1,me\n8,0,you\n")
    asked = read(f"```\n{CALL}\n```\nwhy is the loss so?", tuple(files))
    assert isinstance(asked, Question)
    assert run(asked) == pytest.approx(EXPECTED)


def test_a_named_loss_of_two_files_is_called() -> None:
    files = (
        File("logits.npy", packed("npy", np.array([[0.0, 2.0]]))),
        File("target.npy", packed("npy", np.array([1]))),
    )
    asked = read("why is the cross entropy of these so small?", files)
    assert isinstance(asked, Question)
    assert asked.snippets[0].source == "F.cross_entropy(logits, target)"
    assert asked.missing == ()


def packed(suffix: str, value: np.ndarray) -> bytes:
    out = io.BytesIO()
    match suffix:
        case "npy":
            np.save(out, value)
        case "npz":
            named = {"scores": value} if value.ndim > 1 else {"labels": value}
            np.savez_compressed(out, allow_pickle=False, **named)
        case _:
            out.write(str(value.tolist()).encode())
    return out.getvalue()


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(st.sampled_from(["f4", "f8", "i8", "u1", ">f8"]), arrays.array_shapes(min_dims=1, max_dims=3)))
def test_any_array_comes_back_as_it_was_saved(value: np.ndarray) -> None:
    out = io.BytesIO()
    np.save(out, value)
    found = arrays_of("x.npy", out.getvalue())
    assert found is not None
    names: dict[str, object] = {}
    exec(f"import torch\n{found.named['x']}", names)
    with np.errstate(over="ignore"):
        expected = value.astype("f4" if value.dtype.kind == "f" else "i8")
    np.testing.assert_array_equal(np.asarray(names["x"]), expected)


def test_nothing_is_unpickled_and_no_header_is_believed() -> None:
    pickled, large = io.BytesIO(), io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(large, np.zeros(MAX_ENTRIES + 1))
    short = packed("npy", np.zeros(9))[:-8]
    for data in (pickled.getvalue(), large.getvalue(), short, b"\x93NUMPY", b""):
        assert arrays_of("x.npy", data) is None


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["x.npy", "x.npz", "x.csv", "x.json", "x.tsv"]), st.booleans())
def test_any_bytes_are_data_or_none(data: bytes, name: str, begun: bool) -> None:
    found = arrays_of(name, b"\x93NUMPY" + data if begun else data)
    assert found is None or all(code.startswith(f"{key} = torch.tensor(") for key, code in found.named.items())


def test_a_picture_is_declined_with_what_to_do_instead() -> None:
    reading = read("why is this 0?", (File("screen.png", b"\x89PNG"),))
    assert reading == NeedsInput(("screen.png",), "picture", "en")


OLD = """scores
 0.5000 -1.0000
 2.0000  0.0000
[torch.cuda.FloatTensor of size 2x2 (GPU 0)]

labels
 1
 0
[torch.LongTensor of size 2]
"""


def test_tensors_as_they_were_printed_before_0_4_are_values() -> None:
    scores, labels = old_prints(OLD)
    assert scores.value == ((0.5, -1.0), (2.0, 0.0))
    assert (labels.value, labels.integral) == ((1.0, 0.0), True)
    asked = read(f"my {OLD}and CrossEntropyLoss says 0.9142, how?")
    assert isinstance(asked, Question)
    assert asked.snippets[0].source.startswith("F.cross_entropy(torch.tensor([[0.5, -1.0], [2.0, 0.0]])")


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("1.00000e-02 *\n  6.5\n -3.25\n[torch.FloatTensor of size 2]", (0.065, -0.0325)),
        (
            "Columns 0 to 1\n 1 2\n 4 5\n\nColumns 2 to 2\n 3\n 6\n[torch.LongTensor of size 2x3]",
            ((1, 2, 3), (4, 5, 6)),
        ),
        ("(0 ,.,.) = \n 1 2\n\n(1 ,.,.) = \n 3 4\n[torch.FloatTensor of size 2x1x2]", (((1, 2),), ((3, 4),))),
        ("Variable containing:\n 0.3\n[torch.FloatTensor of size 1]", 0.3),
    ],
)
def test_every_old_layout(printed: str, value: object) -> None:
    (found,) = old_prints(printed)
    assert np.asarray(found.value) == pytest.approx(np.asarray(value))
    assert found.complete


def test_an_old_print_with_gaps_is_not_complete() -> None:
    (found,) = old_prints(" 1 0 ... 0\n 1 0 ... 0\n[torch.LongTensor of size 2x50]")
    assert not found.complete


@pytest.mark.parametrize(
    ("message", "value"),
    [
        (
            "```\nloss = F.mse_loss(x, y)\nprint(loss)\n```\nx is a tensor of 0.1's and y all ones, shape (3,)",
            0.81,
        ),
        ("```\nloss = F.l1_loss(pred, y)\nprint(loss)\n```\npred is all zeros and y too. why 0?", 0.0),
        ("```\nloss = F.l1_loss(pred, y)\nprint(loss)\n```\npred は全部 0.5 で、y は全部ゼロ", 0.5),
    ],
)
def test_what_is_said_to_be_full_of_one_number_is(message: str, value: float) -> None:
    question = read(message)
    assert isinstance(question, Question)
    assert run(question) == pytest.approx(value)


def test_a_call_in_a_sentence_takes_what_prints_show() -> None:
    shown = "print(pred)\ntensor([[2.0, 0.5], [0.1, 1.5]])\nprint(target)\ntensor([1, 0])"
    question = read(f"I have two tensors:\n\n{shown}\n\nwhy is nn.CrossEntropyLoss()(pred, target) so large?")
    assert isinstance(question, Question)
    assert [each.source for each in question.snippets] == ["nn.CrossEntropyLoss()(pred, target)"]
    assert {each.name for each in question.snippets[0].completions} >= {"pred", "target"}
    assert not question.missing
