"""Shapes that a message states, for names that its code needs and nobody defines."""

import pytest
import torch

from bot import reading
from bot.reading.question import Question
from bot.reading.shapes import stand_ins

CE = "criterion = nn.CrossEntropyLoss()\nloss = criterion(output, labels)"
MSE = "loss = F.mse_loss(outputs, targets)\nloss.backward()"
NET = "out = net(images)\nloss = F.cross_entropy(out, labels)"


@pytest.mark.parametrize(
    ("text", "source", "shapes"),
    [
        ("my output is [32, 10] and labels is [32, 1]", CE, {"output": (32, 10), "labels": (32, 1)}),
        ("the output has shape (8, 3), labels have shape (8,)", CE, {"output": (8, 3), "labels": (8,)}),
        ("outputs has shape (64, 1), targets has shape (64,)", MSE, {"outputs": (64, 1), "targets": (64,)}),
        ("prediction size is 4 x 2, target size 4 x 1", MSE, {"outputs": (4, 2), "targets": (4, 1)}),
        ("My net outputs torch.Size([16, 3])", NET, {"out": (16, 3), "labels": (16,)}),
        ("print(out.shape)  # torch.Size([16, 3])", NET, {"out": (16, 3), "labels": (16,)}),
        ("print(out.shape)\ntorch.Size([16, 3])", NET, {"out": (16, 3), "labels": (16,)}),
        ("shapes of output and labels: (8, 3), (8,)", CE, {"output": (8, 3), "labels": (8,)}),
        ("output has shape [4, 21, 512, 512]", CE, {"output": (4, 21, 16, 16), "labels": (4, 16, 16)}),
        ("出力の形状は [16, 3]、ラベルは [16] です", NET, {"out": (16, 3), "labels": (16,)}),
        ("pred = [4, 2] and target = [4, 3]", "F.mse_loss(pred, target)", {}),
        ("I use 3 layers (64, 32) and lr 0.1", CE, {}),
        ("y[int(sample[1])] = 1", "y = torch.zeros(3)\ny[int(sample[1])] = 1\nF.mse_loss(y, target)", {}),
        ("output is [32, 10]", "output = 1\nF.mse_loss(output, output)", {}),
    ],
)
def test_stated_shapes_become_stand_ins_of_these_shapes(
    text: str, source: str, shapes: dict[str, tuple[int, ...]]
) -> None:
    found = stand_ins(source, text)
    assert {name: shape for name, (shape, _) in found.items()} == shapes
    for name, (shape, code) in found.items():
        scope: dict[str, object] = {"torch": torch}
        exec(code, scope)
        made = scope[name]
        assert isinstance(made, torch.Tensor)
        assert tuple(made.shape) == shape


def test_a_list_that_is_a_shape_is_taken_for_no_value() -> None:
    found = reading.read(f"error! my output is [32, 10] and labels is [32, 1]\n```python\n{CE}\n```", (), True)
    assert isinstance(found, Question)
    assert found.missing == ()
    assert found.subject is not None
    given = {c.name: c.code for c in found.snippets[found.subject].completions if c.what == "name"}
    assert given["output"].startswith("output = torch.randn(32, 10")
    assert given["labels"] == "labels = torch.randint(0, 10, (32, 1))"


def test_names_under_a_logarithm_are_probabilities_and_what_weighs_it_labels() -> None:
    formula = "loss = -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()"
    made = stand_ins(formula, "p has shape (4, 1), y has shape (4,)")
    assert made["p"] == ((4, 1), "p = torch.rand((4, 1), requires_grad=True)")
    assert made["y"] == ((4,), "y = torch.randint(0, 2, (4,)).float()")
    plain = stand_ins("loss = ((p - y) ** 2).mean()", "p has shape (4, 1), y has shape (4,)")
    assert "randn" in plain["p"][1] and "randn" in plain["y"][1]


def test_what_calls_something_undefined_calls_the_loss_that_the_words_name() -> None:
    code = "loss = criterion(outputs, labels)"
    made = stand_ins(code, "outputs is [32, 10], labels is [32, 1], criterion = nn.CrossEntropyLoss()")
    assert made["labels"] == ((32, 1), "labels = torch.randint(0, 10, (32, 1))")
    both = stand_ins(code, "outputs is [32, 10], labels is [32, 1], CrossEntropyLoss or MSELoss?")
    assert "randn" in both["labels"][1]
