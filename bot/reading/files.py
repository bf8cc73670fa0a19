"""Attachments as text: Python, plain text and notebooks; what else there is, is named and left out."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import msgspec

from bot.reading.question import File
from bot.reading.text import decoded

_PROSE = frozenset((".txt", ".md", ".log", ".out", ""))


@dataclass(frozen=True, slots=True)
class Document:
    """Text to read: the message (`name` None) or an attachment; `program` says that all of it is code."""

    name: str | None
    text: str
    program: bool = False


def document(file: File) -> Document | None:
    """The attachment as text, None where its kind is not read.

    A notebook becomes Markdown: cells as fences, their outputs as fences under them; lines count through that.
    """
    suffix = PurePosixPath(file.name.replace("\0", "")).suffix.lower()
    if suffix == ".py":
        return Document(file.name, decoded(file.data), program=True)
    if suffix == ".ipynb":
        text = _notebook(file.data)
        return None if text is None else Document(file.name, text)
    return Document(file.name, decoded(file.data)) if suffix in _PROSE else None


def _notebook(data: bytes) -> str | None:
    try:
        notebook = msgspec.json.decode(decoded(data).encode(), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None
    cells: Any = notebook.get("cells")
    return "\n".join(_cell(cell) for cell in cells if isinstance(cell, dict)) if isinstance(cells, list) else None


def _cell(cell: dict[str, Any]) -> str:
    source = _text(cell.get("source"))
    if cell.get("cell_type") != "code":
        return source + "\n"
    outputs: Any = cell.get("outputs")
    shown = [_output(o) for o in outputs if isinstance(o, dict)] if isinstance(outputs, list) else []
    return "\n".join(f"~~~~\n{text}\n~~~~\n" for text in (source, *shown) if text.strip())


def _output(output: dict[str, Any]) -> str:
    data: Any = output.get("data")
    if isinstance(data, dict):
        return _text(data.get("text/plain"))
    if output.get("output_type") == "error":
        return f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
    return _text(output.get("text"))


def _text(value: Any) -> str:
    lines = value if isinstance(value, list) else [value]
    return "".join(line for line in lines if isinstance(line, str))
