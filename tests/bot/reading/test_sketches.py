"""What a snippet lacks is made up as its loss wants it, and what is only defined is called."""

import pytest

from bot.reading import read
from bot.reading.question import Question, Snippet
from bot.reading.sketches.sizes import shapes_of_error


def sketches(message: str) -> tuple[Snippet, ...]:
    found = read(message)
    assert isinstance(found, Question)
    return found.sketches


def made_up(sketch: Snippet) -> dict[str, str]:
    return {each.name: each.code for each in sketch.completions if each.what == "made-up"}


def test_a_target_of_classes_is_made_of_indices():
    first = sketches("```python\nloss = F.cross_entropy(out, lab)\nloss.backward()\n```\nwhy?")[0]
    assert made_up(first)["lab"] == "lab = torch.randint(0, 3, (4,))"
    assert "requires_grad=True" in made_up(first)["out"]


def test_a_stated_shape_is_taken():
    found = read("```python\nloss = F.cross_entropy(out, lab)\n```\nout is (32, 10), why is it so high?")
    assert isinstance(found, Question)
    stated = {each.name: each.code for each in found.snippets[0].completions if each.what == "name"}
    assert "(32, 10" in stated["out"]
    assert stated["lab"] == "lab = torch.randint(0, 10, (32,))"


@pytest.mark.parametrize("ending", ["is different to the input size", "must be the same as input size"])
def test_the_sizes_of_a_message_are_those_of_target_and_input(ending: str):
    message = f"Using a target size (torch.Size([5])) that {ending} (torch.Size([5, 1])). This will likely lead to..."
    assert shapes_of_error(message) == ((5, 1), (5,))


def test_a_function_that_is_only_defined_is_called():
    code = "def my_loss(pred, target, gamma=2.0):\n    return ((pred - target).abs() ** gamma).mean()"
    first = sketches(f"```python\n{code}\n```\nwhat does gamma do in this loss?")[0]
    assert first.source.endswith("my_loss(pred, target)")
    assert [each.code for each in first.completions if each.what == "call"] == ["my_loss(pred, target)"]


def test_a_model_that_nobody_defines_has_weights_and_modes():
    code = "model.train()\nfor x, y in loader:\n    loss = F.mse_loss(model(x), y)\n    loss.backward()"
    lines = [
        each.code for each in sketches(f"```python\n{code}\n```\nwhy nan")[0].completions if each.what == "made-up"
    ]
    assert "model = torch.nn.Module()" in lines
    assert any(line.startswith("loader = [(") for line in lines)


def test_a_loss_that_torch_does_not_have_is_not_made_up():
    assert sketches("```python\nloss = SupConLoss(temperature=0.1)(f, y)\nprint(loss)\n```\nwhy is the loss nan?") == ()


def test_a_name_that_is_read_before_it_is_bound_is_made_up():
    code = "loss = F.mse_loss(p, t)\nif loss < best:\n    best = loss"
    assert "best" in made_up(sketches(f"```python\n{code}\n```\nwhy does my loss fail?")[0])


def test_a_program_that_lacks_nothing_has_none():
    assert sketches("```python\nprint(F.mse_loss(torch.ones(2), torch.zeros(2)))\n```\nwhy 1?") == ()
