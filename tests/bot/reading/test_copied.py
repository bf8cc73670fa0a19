"""Messages as they are copied together: with the signs of lists, lines, terminals and pages between the code."""

import ast
import json

import pytest

from bot.reading import File, NotAQuestion, Question, read

CODE = ("x = torch.tensor([1.0, 3.0])", "out = torch.tensor([0.0, 0.0])", "print(F.mse_loss(x, out))")
WHY = "prints 5.0, why?"

COPIED = {
    "bullets": "\n".join(f"- {line}" for line in CODE),
    "an item of a list": f"* {CODE[0]}\n* {CODE[1]}\n• {CODE[2]}",
    "numbered items": "\n".join(f"{at}. {line}" for at, line in enumerate(CODE, 1)),
    "numbers of lines": "```\n" + "\n".join(f"{at:3}  {line}" for at, line in enumerate(CODE, 9)) + "\n```",
    "numbers of lines with colons": "```\n" + "\n".join(f"{at}: {line}" for at, line in enumerate(CODE, 1)) + "\n```",
    "colours of a terminal": "```ansi\n" + "\n".join(f"\x1b[0;32m{line}\x1b[0m" for line in CODE) + "\n```",
    "entities": "\n".join(CODE).replace(")", ") # &gt;", 1),
    "magics at a prompt": ">>> %matplotlib inline\n" + "\n".join(f">>> {line}" for line in CODE),
    "a quote of Discord": "> ```py\n" + "\n".join(f"> {line}" for line in CODE) + "\n> ```",
    "emoji and times of Discord": "```py\n" + "\n".join(CODE) + "\n```\n<:why:987654321987654321> <t:1700000000:R>",
    "cells of a notebook": "".join(f"In [{at}]: {line}\n" for at, line in enumerate(("!pip install torch", *CODE))),
}


@pytest.mark.parametrize("copied", COPIED.values(), ids=COPIED)
def test_code_is_what_it_was_before_it_was_copied(copied: str) -> None:
    asked = read(f"{copied}\n\n{WHY}")
    assert isinstance(asked, Question)
    assert asked.subject is not None
    tree = ast.parse(asked.snippets[asked.subject].source)
    assert ast.dump(tree) == ast.dump(ast.parse("\n".join(CODE)))
    assert [claim.value for claim in asked.claims] == [5.0]


def test_a_negative_loss_stays_one() -> None:
    asked = read("```\nloss = (\n    1\n- F.l1_loss(a, b))\nloss\n```\na = torch.ones(2), b = torch.zeros(2)")
    assert isinstance(asked, Question)
    assert "- F.l1_loss" in asked.snippets[0].source


def test_output_between_ticks_is_output() -> None:
    asked = read("**got:** `tensor(2.)`\n**expected:** `tensor(1.)`\n`F.l1_loss(torch.tensor([2.]), torch.zeros(1))`")
    assert isinstance(asked, Question)
    assert sorted((claim.kind, claim.value) for claim in asked.claims) == [("expected", 1.0), ("printed", 2.0)]


@pytest.mark.parametrize("fence", ["", "```"])
def test_a_failed_assertion_of_a_kernel_is_no_code(fence: str) -> None:
    at = (
        "../aten/src/ATen/native/cuda/Loss.cu:250: nll_loss: block: [0,0,0] Assertion `t >= 0 && t < n_classes` failed."
    )
    error = "RuntimeError: CUDA error: device-side assert triggered"
    asked = read(f"{fence}\n{at}\n{error}\n{fence}\nwhy?")
    assert isinstance(asked, Question)
    assert asked.traceback is not None and "device-side assert" in asked.traceback.message
    assert all("Assertion" not in snippet.source for snippet in asked.snippets)


@pytest.mark.parametrize(
    "code",
    [
        "const loss = rows.reduce((a, b) => a + b)\nconsole.log(loss)",
        "#include <iostream>\nfloat loss = mse(a, b);\nstd::cout << loss;",
        'fn main() {\n    let loss = mse(&a, &b);\n    println!("{}", loss);\n}',
    ],
)
@pytest.mark.parametrize("direct", [False, True])
def test_other_programming_languages_are_not_ours(code: str, direct: bool) -> None:
    assert isinstance(read(f"```\n{code}\n```\nit does not compile", direct=direct), NotAQuestion)


@pytest.mark.parametrize(
    ("message", "value"),
    [
        ("Der L1-Fehler (l1_loss) von [2, 1] und [0, 0] ist 1,5", 1.5),
        ("La perte MSE de [2.0, 1.0] et [0.0, 0.0] vaut 2,5 ?", 2.5),
        ("la entropía cruzada con logits [1.0, 2.0] y etiqueta 1 da 0,31", 0.31),
        ("a entropia cruzada com logits [1.0, 2.0] e classe 1 dá 0,3133", 0.3133),
        ("перекрестная энтропия для логитов [1.0, 2.0] и класса 1 равна 0,31", 0.31),
    ],
)
def test_decimal_commas_where_they_are_written(message: str, value: float) -> None:
    asked = read(message)
    assert isinstance(asked, Question)
    assert [claim.value for claim in asked.claims] == [value]
    assert asked.subject is not None


def test_a_comma_between_numbers_is_none() -> None:
    asked = read("Was ist die Kreuzentropie von [1,2,3] und Klasse 2? Labels sind 0,1,2, die Ausgabe 0,4076")
    assert isinstance(asked, Question)
    assert [claim.value for claim in asked.claims] == [0.4076]
    assert asked.snippets[0].source == "F.cross_entropy(torch.tensor([1.0, 2.0, 3.0]), torch.tensor(2))"


NOTEBOOK = {"cells": [{"cell_type": "markdown", "source": "# なぜ損失が 0 にならないのですか"},
                      {"cell_type": "code", "source": "F.mse_loss(torch.ones(2), torch.zeros(2))"}]}  # fmt: skip


@pytest.mark.parametrize(
    "file",
    [
        File("問い.md", "なぜ損失が 1 なのですか\n```\nF.mse_loss(torch.ones(2), torch.zeros(2))\n```".encode()),
        File("a.ipynb", json.dumps(NOTEBOOK).encode()),
        File("a.py", "# 平均二乗誤差の値が期待と違います\nprint(F.mse_loss(torch.ones(2), torch.zeros(2)))".encode()),
    ],
    ids=lambda file: file.name,
)
def test_the_language_of_a_message_without_words_is_that_of_its_file(file: File) -> None:
    assert read("", (file,)).language == "ja"  # pyright: ignore[reportAttributeAccessIssue]
    assert read("why is this loss so large?", (file,)).language == "en"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "shown",
    [
        "preds = tensor([[0.1, 0.2], ..., [0.3, 0.4]])\ny = tensor([1, 0])",
        "preds = tensor([[0.1, 0.2],\n        ...,\n        [0.3, 0.4]], grad_fn=<AddmmBackward0>)\ny = tensor([1, 0])",
    ],
)
def test_what_is_printed_in_part_is_known_to_be(shown: str) -> None:
    asked = read(f"{shown}\nF.cross_entropy(preds, y) = 0.9")
    assert isinstance(asked, Question)
    assert asked.cut == ("preds",)


def test_what_values_came_from_is_told() -> None:
    message = (
        "the logits are tensor([[1., 2.]]) here\n```\nlogits = model(x)\nloss = F.cross_entropy(logits, y)\n```\n0.3?"
    )
    asked = read(message, (File("y.csv", b"1\n"),))
    assert isinstance(asked, Question)
    assert {each.name: each.place for each in asked.snippets[0].completions if each.place is not None} == {
        "logits": 1,
        "y": "y.csv",
    }
