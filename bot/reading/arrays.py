"""Numbers of data files, as code that binds names to them: CSV, JSON, .npy and .npz; nothing is unpickled."""

import csv
import io
import json
import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.lib import format as npy

from bot.reading.text import decoded

MAX_ENTRIES = 20_000
MAX_NAMES = 64
MAX_UNPACKED = 4_000_000

_COLUMN = re.compile(r"(.*?[^\W\d])[ _.\-]?\d{1,3}")
_WORD = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Arrays:
    """Of a data file: code that binds each name to a tensor, and an expression for what numpy loads of the file."""

    named: Mapping[str, str]
    loaded: str


def arrays(name: str, data: bytes) -> Arrays | None:
    """The arrays in the file, None where there is none of numbers or too many."""
    path = PurePosixPath(name.replace("\0", ""))
    readers = {".csv": _csv, ".tsv": _csv, ".json": _json, ".npy": _npy, ".npz": _npz}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        return None
    try:
        found = [(key, value) for key, value in reader(data) if value.size and value.dtype.kind in "fiub"]
    except Exception:  # a broken file makes its parser raise whatever it likes
        return None
    named = {_name(key or path.stem): value for key, value in found}
    if not found or sum(value.size for value in named.values()) > MAX_ENTRIES or len(named) > MAX_NAMES:
        return None
    return Arrays(
        {key: f"{key} = {_code(value)}" for key, value in named.items()}, _loaded(path.suffix.lower(), dict(found))
    )


def _loaded(suffix: str, found: Mapping[str, np.ndarray[Any, Any]]) -> str:
    """The one array without a name, or a dictionary, as numpy has them; json has lists, a table's text floats.

    A table with headings is a dictionary of its columns.
    """
    code: dict[str, str] = {}
    for key, value in found.items():
        if suffix == ".json":
            code[key] = _written(value.tolist())
        elif suffix in (".npy", ".npz"):
            code[key] = f'np.array({_written(value.tolist())}, dtype="{value.dtype.name}")'
        elif key and value.ndim == 1:
            code[key] = f"np.array({_written(value.tolist())})"
        elif not key:
            code[key] = f"np.array({_written(value.squeeze().tolist())}, dtype=float)"
    if set(code) <= {""}:
        return code.get("", "")
    return f"{{{', '.join(f'{key!r}: {each}' for key, each in code.items())}}}"


def _name(key: str) -> str:
    word = _WORD.sub("_", key).strip("_") or "data"
    return word if word.isidentifier() else f"data_{word}"


def _code(value: np.ndarray[Any, Any]) -> str:
    whole = value.dtype.kind in "iub"
    return f"torch.tensor({_written(value.astype(int if whole else float).tolist())})"


def _written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_written(each) for each in value)}]"
    return repr(value) if isinstance(value, int) or math.isfinite(value) else f'float("{value}")'


def _csv(data: bytes) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """A column for each heading; without headings one table."""
    rows = _rows(decoded(data))
    if all(_is_number(entry) for entry in rows[0]):
        yield "", _table(rows)
        return
    columns = [[entry.strip() for entry in column] for column in zip(*rows[1:], strict=True)]
    numbers = {
        heading.strip(): column
        for heading, column in zip(rows[0], columns, strict=True)
        if all(_is_number(entry) for entry in column)
    }
    for heading, column in numbers.items():
        yield heading, _table([column])[0]
    for stem, headings in _numbered(numbers).items():
        yield stem, _table([numbers[heading] for heading in headings]).T


def _rows(text: str) -> list[list[str]]:
    """Its rows; where semicolons divide, a comma is a decimal point."""
    head = text.partition("\n")[0]
    mark = next((sign for sign in "\t;" if sign in head), ",")
    rows = csv.reader(io.StringIO(text.replace(",", ".") if mark == ";" else text), delimiter=mark)
    return [row for row in rows if row]


def _numbered(headings: Iterable[str]) -> dict[str, list[str]]:
    """Columns of one matrix: "logit_0", "logit_1"."""
    groups: dict[str, list[str]] = {}
    for heading in headings:
        if match := _COLUMN.fullmatch(heading):
            groups.setdefault(match.group(1), []).append(heading)
    return {stem: found for stem, found in groups.items() if len(found) > 1}


def _is_number(entry: str) -> bool:
    """Whether an entry is one, or empty: that is nan, as other readers of tables have it."""
    try:
        float(entry.strip() or "nan")
    except ValueError:
        return False
    return True


def _table(rows: list[list[str]]) -> np.ndarray[Any, Any]:
    whole = all(entry.strip().lstrip("+-").isdigit() for row in rows for entry in row)
    return np.array([[int(entry) if whole else float(entry.strip() or "nan") for entry in row] for row in rows])


def _json(data: bytes) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    content = json.loads(decoded(data))
    if isinstance(content, list) and content and all(isinstance(each, dict) for each in content):
        content = {key: [each[key] for each in content] for key in content[0]}
    for key, value in content.items() if isinstance(content, dict) else [("", content)]:
        if isinstance(value, list | int | float):
            yield key, np.array(value)


def _npy(data: bytes) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    yield "", _array(data)


def _npz(data: bytes) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > MAX_NAMES or sum(each.file_size for each in members) > MAX_UNPACKED:
            raise ValueError("too large")
        for member in members:
            with archive.open(member) as packed:
                yield PurePosixPath(member.filename).stem, _array(packed.read(MAX_UNPACKED))


def _array(data: bytes) -> np.ndarray[Any, Any]:
    """The array of an .npy file, whose header may not claim more than there is."""
    file = io.BytesIO(data)
    version = npy.read_magic(file)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(file)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize > len(data):
        raise ValueError("not of numbers, or cut off")
    file.seek(0)
    return np.asarray(npy.read_array(file, allow_pickle=False))
