"""Attachments: Python, text and notebooks are read, the rest is named as left out; no bytes can break it."""

import io
import json
import math
import random
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.reading import File, NeedsInput, Origin, Question, read, warm

CODE = "x = torch.ones(2)\nprint(F.mse_loss(x, 0 * x))  # 1.000"


def asked(text: str, *files: File) -> Question:
    reading = read(text, files)
    assert isinstance(reading, Question), reading
    return reading


def test_a_python_file_is_a_snippet_with_its_own_lines() -> None:
    question = asked("why this loss?", File("a.py", f"\n\n{CODE}\n".encode()))
    snippet = question.snippets[0]
    assert (snippet.source, snippet.origin, snippet.file, snippet.line_map) == (CODE, Origin.FILE, "a.py", (3, 4))
    assert [(c.value, c.span) for c in question.claims] == [(1.0, None)]


def test_a_notebook_gives_its_cells_and_their_outputs() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# my loss\n"]},
        {"cell_type": "code", "source": ["x = torch.ones(2)\n", "F.mse_loss(x, 0 * x)"], "outputs": [
            {"output_type": "execute_result", "data": {"text/plain": ["tensor(1.5000)"]}}]},
    ]  # fmt: skip
    question = asked("why?", File("a.ipynb", json.dumps({"cells": cells}).encode()))
    assert question.snippets[0].source == "x = torch.ones(2)\nF.mse_loss(x, 0 * x)"
    assert [c.value for c in question.claims] == [1.5]


def test_what_is_not_read_is_named() -> None:
    question = asked("why is my CrossEntropyLoss nan?", File("a.png", b"\x89PNG"), File("b.ipynb", b"{"))
    assert question.left_out == ("a.png", "b.ipynb")


@pytest.mark.parametrize("name", ["x.py", "x.txt", "x"])
def test_bytes_that_are_no_text_are_not_read(name: str) -> None:
    noise = random.Random(0).randbytes(400)
    assert read("why?", (File(name, noise),)) == NeedsInput((name,), "file", "en")


def test_broken_encoding_is_repaired() -> None:
    question = asked("l'entropie croisÃ©e n'est pas nulle, pourquoi ? la perte de mon modÃ¨le est négative")
    assert "croisée" in question.text
    assert question.loss_words == ("cross_entropy",)


def saved(value: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(value))
    return file.getvalue()


def source(text: str, *files: File) -> str:
    question = asked(text, *files)
    assert question.subject is not None
    found = question.snippets[question.subject]
    return "\n".join(c.code for c in found.completions if c.what == "name") + found.source


TABLE = File("p.csv", b"p,y\n0.6,1\n0.4,0\n")


@pytest.mark.parametrize("column", ["df.{}.values", "df['{}'].values", 'df["{}"].to_numpy()', "df['{}']"])
def test_a_column_of_an_attached_table_is_its_numbers(column: str) -> None:
    program = (
        "import pandas as pd\ndf = pd.read_csv('p.csv')\n"
        f"F.binary_cross_entropy(torch.tensor({column.format('p')}), torch.tensor({column.format('y')}).float())"
    )
    question = asked(f"```\n{program}\n```\nwhy?", TABLE)
    assert question.subject is not None
    assert question.snippets[question.subject].source == (
        "\ndf = {'p': np.array([0.6, 0.4]), 'y': np.array([1, 0])}\n"
        "F.binary_cross_entropy(torch.tensor(df['p']), torch.tensor(df['y']).float())"
    )
    assert not question.missing


def test_a_file_that_a_sentence_loads_is_its_values() -> None:
    call = "F.mse_loss(torch.tensor(np.load('x.npy')), torch.zeros(1))"
    question = asked(f"{call} gives 1, why?", File("x.npy", saved(np.ones(1, np.float32))))
    assert [each.source for each in question.snippets] == [
        call.replace("np.load('x.npy')", 'np.array([1.0], dtype="float32")')
    ]


@pytest.mark.parametrize(
    ("file", "load", "loaded"),
    [
        (
            File("x.npy", saved(np.ones(1, np.float32))),
            "np.load('a/x.npy')",
            'np.array([1.0], dtype="float32")',
        ),
        (File("x.json", b"[0.5, 1]"), "json.load(open('x.json'))", "[0.5, 1.0]"),
        (File("x.csv", b"1\n2\n"), "np.loadtxt('x.csv')", "np.array([1, 2], dtype=float)"),
        (File("x.npy", b"broken"), "np.load('x.npy')", "np.load('x.npy')"),
        (File("x.npy", saved(1.0)), "np.load('other.npy')", "np.load('other.npy')"),
    ],
)
def test_a_call_that_loads_an_attached_file_is_its_values(file: File, load: str, loaded: str) -> None:
    program = f"x = {load}; y = 0.5\nprint(F.mse_loss(torch.tensor(x), torch.tensor(y)))"
    question = asked(f"```\n{program}\n```\nwhy?", file)
    assert question.snippets[0].source == program.replace(load, loaded)
    assert any(c.what == "file" for c in question.snippets[0].completions) is (load != loaded)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("d.csv", b"pred;target\n0,5;1\n0,25;0\n", "pred = torch.tensor([0.5, 0.25])"),
        ("d.csv", b"pred0,pred1,target\n1.5,2,1\n3,4,0\n", "pred = torch.tensor([[1.5, 2.0], [3.0, 4.0]])"),
        ("d.json", b'[{"pred": 1.5, "target": 1}, {"pred": 2, "target": 0}]', "pred = torch.tensor([1.5, 2.0])"),
    ],
)
def test_columns_become_tensors(name: str, data: bytes, code: str) -> None:
    assert code in source("```\nF.mse_loss(pred, target)\n```\nwhy?", File(name, data))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932", "euc_jp"])
def test_a_text_in_an_old_encoding_is_read(encoding: str) -> None:
    text = (
        "なぜ損失が 0.3133 になるのですか、教えてください\nF.cross_entropy(torch.tensor([[0., 1.]]), torch.tensor([1]))"
    )
    question = asked("", File("a.txt", text.encode(encoding)))
    assert [c.value for c in question.claims] == [0.3133]
    assert encoding == "euc_jp" or question.language == "ja"


def test_an_accent_in_an_old_encoding_is_read() -> None:
    question = asked("", File("a.txt", "la perte d'entropie croisée est très élevée, 2.3026 ?".encode("cp1252")))
    assert (question.language, question.loss_words) == ("fr", ("cross_entropy",))


def test_warm_reads_without_raising_and_can_be_repeated() -> None:
    warm()
    warm()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["a.py", "a.ipynb", "a.txt", "a.md", "a", "\0.py", "b.npz"]))
def test_any_bytes(data: bytes, name: str) -> None:
    reading = read("why this loss?", (File(name, data),))
    assert (
        msgspec.msgpack.decode(msgspec.msgpack.encode(reading), type=type(reading)) == reading or b"nan" in data.lower()
    )


SCORES = "0.2,0.9,1\n1.5,0.3,0\n"
EXPECTED = (math.log1p(math.exp(0.2 - 0.9)) + math.log1p(math.exp(0.3 - 1.5))) / 2


@pytest.mark.parametrize(
    ("name", "content", "asked"),
    [
        ("d.csv", f"a,b,y\n{SCORES}", "cross entropy of this, labels in the last column"),
        ("d.csv", SCORES, "what is the cross entropy of the file?"),
        ("d.csv", "1,0.2,0.9\n0,1.5,0.3\n", "the labels are in the first column; cross entropy?"),
        ("d.json", '[{"logits": [0.2, 0.9], "label": 1}, {"logits": [1.5, 0.3], "label": 0}]', "why is the loss this?"),
    ],
)
def test_a_table_is_scores_and_labels(name: str, content: str, asked: str) -> None:
    question = read(asked, (File(name, content.encode()),))
    assert isinstance(question, Question)
    assert question.subject is not None
    snippet = question.snippets[question.subject]
    names: dict[str, Any] = {}
    exec(f"import torch\n{snippet.prelude}", names)
    assert float(eval(snippet.source, names)) == pytest.approx(EXPECTED)


def npy(values: list[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array(values))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["logits.npy", "x.npy"])
@pytest.mark.parametrize("said", ["labels [1, 0], cross entropy 0.34, how?", "CE with target [1, 0] gives 0.34?"])
def test_a_target_in_words_goes_with_the_scores_of_a_file(name: str, said: str) -> None:
    question = asked(said, File(name, npy([[0.1, 0.9], [2.0, 1.0]])))
    assert question.subject is not None and not question.unused
    names: dict[str, Any] = {"torch": torch, "F": F}
    exec(question.snippets[question.subject].prelude, names)
    assert names[name[:-4]].shape == (2, 2) and names["target"].tolist() == [1, 0]


def test_an_empty_entry_of_a_table_is_nan() -> None:
    question = asked("mse is nan?", File("d.csv", b"pred,target\n1.0,2.0\n,2.0\n"))
    assert question.subject is not None
    assert 'float("nan")' in question.snippets[question.subject].prelude


def test_numbers_of_a_file_that_nothing_takes_are_said_to_be_unused() -> None:
    data = npy([[0.1, 0.9]])
    assert asked("why is cross entropy never 0?", File("w.npy", data)).unused == ("w.npy",)
    assert asked(f"```py\n{CODE}\n```\nwhy 1?", File("w.npy", data)).unused == ("w.npy",)
    assert (
        asked("```py\nw = np.load('w.npy')\nprint(torch.tensor(w).sum())\n```\nwhy?", File("w.npy", data)).unused == ()
    )


@pytest.mark.parametrize(
    ("imported", "call"),
    [
        ("from mine import loss", "loss"),
        ("from mine import loss as own", "own"),
        ("import mine", "mine.loss"),
        ("import mine as m", "m.loss"),
    ],
)
def test_an_attached_module_is_part_of_the_program_that_imports_it(imported: str, call: str) -> None:
    module = "import torch.nn.functional as F\nSCALE = 2\ndef loss(a, b):\n    return SCALE * F.l1_loss(a, b)\n"
    main = f"import torch\n{imported}\nvalue = {call}(torch.ones(2), torch.zeros(2))\nprint(value)"
    (snippet,) = asked("why 2?", File("run.py", main.encode()), File("mine.py", module.encode())).snippets
    names: dict[str, Any] = {}
    exec(snippet.source, names)
    assert float(names["value"]) == 2.0
    assert snippet.file == "run.py" and snippet.line_map[-2:] == (3, 4)
