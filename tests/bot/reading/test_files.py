"""Attachments: Python, text and notebooks are read, the rest is named as left out; no bytes can break it."""

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.reading import File, Origin, Question, read, warm

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


def test_broken_encoding_is_repaired() -> None:
    question = asked("l'entropie croisÃ©e n'est pas nulle, pourquoi ? la perte de mon modÃ¨le est négative")
    assert "croisée" in question.text
    assert question.loss_words == ("cross_entropy",)


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
