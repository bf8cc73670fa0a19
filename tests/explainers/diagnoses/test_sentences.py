"""Every sentence that an explanation can say is in the Japanese catalogue, those that any explanation can hold are in
all, with the same placeholders."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import explainers
from explainers.locale import available, messages

ROOT = Path(explainers.__file__).parent
PARTIAL = sorted(set(available()) - {"en", "ja"})
MODULES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py"))
EVERY_EXPLANATION = ("cards/", "proof.py", "reading.py", "telling/", "verdict.py")
"""Rooms whose sentences any explanation can hold, whatever it is about."""


@cache
def sentences() -> frozenset[tuple[str, str]]:
    """The texts handed to `said`, directly or by a name that the same function gave them, with where they are."""
    return frozenset((module, text) for module in MODULES for text in sentences_of(module))


@cache
def sentences_of(module: str) -> frozenset[str]:
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    resolved: dict[ast.Call, dict[str, str]] = {call: {} for call in _calls(tree)}
    for function in (node for node in ast.walk(tree) if resolved and isinstance(node, ast.FunctionDef)):
        for call in _calls(function):
            resolved[call] |= _assigned_texts(function)
    return frozenset(_text(call.args[0], texts) for call, texts in resolved.items())


def _calls(tree: ast.AST) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("said", "_")]


def _assigned_texts(function: ast.FunctionDef) -> dict[str, str]:
    texts: dict[str, str] = {}
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str() as text)):
                texts[name] = text
            case _:
                pass
    return texts


def _text(node: ast.expr, texts: dict[str, str]) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name):
            return texts[name]
        case _:
            raise AssertionError(f"said({ast.unparse(node)}) cannot be found by gettext")


@pytest.mark.parametrize("module", MODULES)
def test_the_sentences_are_translated_with_their_placeholders(module: str) -> None:
    for text in sorted(sentences_of(module)):
        _assert_translated("ja", text, module)


@pytest.mark.parametrize("locale", PARTIAL)
def test_the_phrases_of_every_explanation_are_translated(locale: str) -> None:
    every = sorted({text for module, text in sentences() if module.startswith(EVERY_EXPLANATION)})
    assert every
    for text in every:
        _assert_translated(locale, text, locale)


@pytest.mark.parametrize("locale", available()[1:])
def test_a_catalogue_holds_nothing_that_is_no_longer_said(locale: str) -> None:
    assert {str(entry.id) for entry in _catalogue(locale) if entry.id} <= {text for _, text in sentences()}


@pytest.mark.parametrize("locale", available()[1:])
def test_a_catalogue_is_read_as_gettext_defines_it(locale: str) -> None:
    read = messages((ROOT / f"locales/{locale}/LC_MESSAGES/explainers.po").read_text(encoding="utf-8"))
    assert read == {str(entry.id): entry.string for entry in _catalogue(locale) if entry.id and entry.string}


def _assert_translated(locale: str, text: str, where: str) -> None:
    entry = _catalogue(locale).get(text)
    assert entry is not None and isinstance(entry.string, str) and entry.string, f"{where}: {text}"
    assert not entry.fuzzy
    assert _names(entry.string) == _names(text)


@cache
def _catalogue(locale: str) -> Catalog:
    with (ROOT / f"locales/{locale}/LC_MESSAGES/explainers.po").open("rb") as file:
        return read_po(file, locale=locale)


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
