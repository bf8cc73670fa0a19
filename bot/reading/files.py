"""Attachments: Python, plain text, notebooks and data; what else there is, is named and left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import msgspec

from bot.reading.arrays import arrays
from bot.reading.question import File
from bot.reading.text import decoded, is_text

_PICTURES = frozenset((".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".heic", ".tif", ".tiff", ".svg"))
_PROSE = frozenset((".txt", ".md", ".log", ".out", ".err", ""))


@dataclass(frozen=True, slots=True)
class Document:
    """Text to read: the message (`name` None) or an attachment; `program` says that all of it is code.

    `values` is code that binds names to the numbers of a data file, `loaded` an expression for all of it.
    """

    name: str | None
    text: str
    program: bool = False
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    loaded: str = ""


def document(file: File) -> Document | None:
    """The attachment as text, None where its kind is not read, or its bytes are no text.

    A notebook becomes Markdown: cells as fences, their outputs as fences under them; lines count through that.
    """
    suffix = PurePosixPath(file.name.replace("\0", "")).suffix.lower()
    if suffix == ".py" or suffix in _PROSE:
        text = decoded(file.data)
        return Document(file.name, text, program=suffix == ".py") if is_text(text) else None
    if suffix == ".ipynb":
        text = _notebook(file.data)
        return None if text is None else Document(file.name, text)
    found = arrays(file.name, file.data)
    return None if found is None else Document(file.name, "", values=found.named, loaded=found.loaded)


def is_picture(name: str) -> bool:
    """Whether a file is an image by its name."""
    return PurePosixPath(name.replace("\0", "")).suffix.lower() in _PICTURES


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
