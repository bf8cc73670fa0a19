"""Every sentence that an explanation can say is in the Japanese catalogue, with the same placeholders."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import explainers

ROOT = Path(explainers.__file__).parent


def sentences() -> Iterator[tuple[str, str]]:
    """The texts handed to `said`, directly or by a name of the same function."""
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for scope in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            texts = {
                node.targets[0].id: node.value.value
                for node in ast.walk(scope)
                if isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            }
            for call in (node for node in ast.walk(scope) if isinstance(node, ast.Call)):
                if isinstance(call.func, ast.Name) and call.func.id == "said":
                    yield path.name, _text(call.args[0], texts)


def _text(node: ast.expr, texts: dict[str, str]) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name):
            return texts[name]
        case _:
            raise AssertionError(f"said({ast.unparse(node)}) cannot be found by gettext")


@pytest.mark.parametrize(("module", "text"), sorted(set(sentences())))
def test_the_sentence_is_translated_with_its_placeholders(module: str, text: str):
    entry = _japanese().get(text)
    assert entry is not None and isinstance(entry.string, str) and entry.string, f"{module}: {text}"
    assert not entry.fuzzy
    assert _names(entry.string) == _names(text)


@cache
def _japanese() -> Catalog:
    with (ROOT / "locales/ja/LC_MESSAGES/explainers.po").open("rb") as file:
        return read_po(file, locale="ja")


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
