"""Numbers of data files, as code that binds names to them: CSV, JSON, .npy and .npz; nothing is unpickled."""

import csv
import io
import json
import math
import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.lib import format as npy

from bot.reading.text import decoded

MAX_ENTRIES = 20_000
MAX_NAMES = 64
MAX_UNPACKED = 4_000_000

_WORD = re.compile(r"\W+")


def arrays(name: str, data: bytes) -> dict[str, str] | None:
    """Name → code of each array in the file, None where there is none of numbers or too many."""
    path = PurePosixPath(name.replace("\0", ""))
    readers = {".csv": _csv, ".tsv": _csv, ".json": _json, ".npy": _npy, ".npz": _npz}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        return None
    try:
        found = {_name(key or path.stem): value for key, value in reader(data)}
    except Exception:  # a broken file makes its parser raise whatever it likes
        return None
    kept = {key: value for key, value in found.items() if value.size and value.dtype.kind in "fiub"}
    if not kept or sum(value.size for value in kept.values()) > MAX_ENTRIES or len(kept) > MAX_NAMES:
        return None
    return {key: f"{key} = {_code(value)}" for key, value in kept.items()}


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
    text = decoded(data)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter="\t" if "\t" in text else ",") if row]
    if all(_is_number(entry) for entry in rows[0]):
        yield "", _table(rows)
        return
    columns = [[entry.strip() for entry in column] for column in zip(*rows[1:], strict=True)]
    for heading, column in zip(rows[0], columns, strict=True):
        if all(_is_number(entry) for entry in column):
            yield heading, _table([column])[0]


def _is_number(entry: str) -> bool:
    try:
        float(entry)
    except ValueError:
        return False
    return True


def _table(rows: list[list[str]]) -> np.ndarray[Any, Any]:
    whole = all(entry.strip().lstrip("+-").isdigit() for row in rows for entry in row)
    return np.array([[int(entry) if whole else float(entry) for entry in row] for row in rows])


def _json(data: bytes) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    content = json.loads(decoded(data))
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
