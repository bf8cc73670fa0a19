"""Parts of programs as people paste them: bodies without their heads, losses that a model returns, pairs in words."""

import pytest

from bot.reading import NotAQuestion, Question, read


def question(message: str) -> Question:
    reading = read(message)
    assert isinstance(reading, Question), reading
    return reading


def test_a_body_without_its_head_shows_what_it_returns() -> None:
    asked = question(
        "    p = x.sigmoid()\n    w = (1 - p).pow(2)\n    return F.binary_cross_entropy_with_logits(x, t, w)\n\nwhy?"
    )
    assert asked.subject is not None
    found = asked.snippets[asked.subject]
    assert found.source.endswith("\nF.binary_cross_entropy_with_logits(x, t, w)")
    assert (found.shown, "return" in {each.what for each in found.completions}) == (True, True)


def test_a_return_inside_a_function_stays() -> None:
    asked = question("def f(x):\n    return x.mean()\nloss = f(torch.ones(2))\nprint(loss)\n\nwhy is this loss 1?")
    assert asked.subject is not None
    assert "return x.mean()" in asked.snippets[asked.subject].source


def test_usual_options_are_numbers_not_tensors() -> None:
    asked = question("w = alpha * (1 - p) ** gamma\nloss = (w * F.cross_entropy(p, y)).mean()\nloss\nwhy so small?")
    made = [each.code for each in asked.sketches[0].completions]
    assert "gamma = 2.0" in made
    assert "alpha = 0.25" in made


def test_a_loss_that_a_model_returns_is_one() -> None:
    asked = question("outputs = model(ids, labels=labels)\nloss = outputs.loss\nprint(loss)\n# tensor(nan)\nwhy nan?")
    assert asked.missing
    assert "cross_entropy" in asked.loss_words


def test_other_attributes_are_none() -> None:
    assert isinstance(read("r = requests.get(url)\nprint(r.text)\nwhy is this empty?"), NotAQuestion)


@pytest.mark.parametrize("between", ["and not", "instead of", "rather than", "und nicht", "而不是"])
def test_what_is_there_and_what_was_expected_are_no_input_and_target(between: str) -> None:
    asked = question(f"with label_smoothing=0.1 cross entropy converges to [0.95, 0.05] {between} [0.9, 0.1], why?")
    assert asked.snippets == ()


def test_two_lists_that_are_given_are_input_and_target() -> None:
    asked = question("cross entropy of [2.0, 0.5] and [0.9, 0.1] is 0.35, why?")
    assert len(asked.snippets) == 1


def test_a_sentence_behind_a_number_is_no_annotation() -> None:
    asked = question("x = torch.zeros(1)\nprint(F.mse_loss(x, x + 1))\n1.0000. The paper: 1 - 2 + 1 = 0, why?")
    assert asked.subject is not None
    assert "paper" not in asked.snippets[asked.subject].source


@pytest.mark.parametrize(
    "message",
    ["grad can be implicitly created only for scalar outputs", "Trying to backward through the graph a second time"],
)
def test_what_backward_refuses_is_about_a_loss(message: str) -> None:
    assert question(f"RuntimeError: {message} - why?").traceback is not None


@pytest.mark.parametrize(
    "installed", ["/opt/conda/lib/python3.8/site-packages/torch/nn/functional.py", r"torch\nn\functional.py"]
)
def test_a_traceback_without_its_first_line_is_one_and_torchs_own_frames_are_no_code(installed: str) -> None:
    own = '  File "train.py", line 7, in step\n    loss = F.huber_loss(p, t, delta=d)\n'
    torchs = f'  File "{installed}", line 3, in huber_loss\n    return torch._C._nn.huber_loss(\n'
    error = "TypeError: huber_loss(): argument 'delta' must be float, not Tensor"
    found = read(f"{own}{torchs}{error}\n\nwhat is wrong with my loss?")
    assert isinstance(found, Question) and found.traceback is not None
    assert found.traceback.code == ("loss = F.huber_loss(p, t, delta=d)",)
    assert not any("_C._nn" in each.source for each in (*found.snippets, *found.sketches))


@pytest.mark.parametrize(
    "call", ["F.mse_loss(torch.ones(2), torch.zeros(2))", "F.pairwise_distance(torch.ones(1, 2), torch.ones(1, 2))"]
)
@pytest.mark.parametrize(
    "around", ["```\n$ {}\nOut[6]: tensor(nan)\n```\nwhy?", "Why is it so, e.g. {}. Where does it come from?"]
)
def test_a_call_behind_a_shells_prompt_or_in_a_sentence_is_code(call: str, around: str) -> None:
    found = read(around.format(call))
    assert isinstance(found, Question) and [each.source for each in found.snippets] == [call]


def test_a_shells_own_command_is_no_program() -> None:
    found = read("```\n$ python train.py --lr 0.1\n```\nwhy is my loss nan?")
    assert not isinstance(found, Question) or not any("train" in each.source for each in found.snippets)
