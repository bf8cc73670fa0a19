"""Every sentence of the bot's own is in every complete catalogue, those of every answer in the others, each with the
same placeholders; and nothing else is."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from bot.languages import FALLBACK
from bot.reading.language import LANGUAGES
from explainers.locale import messages

BOT = Path(__file__).parents[2] / "bot"
CATALOGUES = sorted((BOT / "locales").glob("*/LC_MESSAGES/bot.po"))
COMPLETE = {"ja"}
EVERY_ANSWER = ("answering.py", "beside.py", "chat", "endings.py", "places.py", "remarks.py", "stopped.py")
"""Rooms whose sentences any answer can hold, whatever it is about."""


@cache
def sentences(*rooms: str) -> frozenset[str]:
    """What the modules of these rooms say, of all where none is named."""
    paths = chain.from_iterable(modules(BOT / room) for room in rooms or (".",))
    return frozenset(chain.from_iterable(map(sentences_of, paths)))


@cache
def sentences_of(path: Path) -> frozenset[str]:
    return frozenset(_said(path))


def _said(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name(id="said"), args=[ast.Constant(value=str() as text), *_]):
                yield text
            case ast.Call(func=ast.Name(id="said")):
                pytest.fail(f"{path}:{node.lineno}: a sentence that no catalogue can hold")
            case _:
                pass


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def modules(room: Path) -> Iterable[Path]:
    return room.rglob("*.py") if room.is_dir() else [room]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_catalogue_is_complete_and_holds_nothing_else(path: Path) -> None:
    with path.open("rb") as source:
        catalogue = {str(message.id): str(message.string) for message in read_po(source) if message.id}
    assert messages(path.read_text(encoding="utf-8")) == catalogue
    assert set(catalogue) <= sentences()
    assert set(catalogue) >= (sentences() if path.parts[-3] in COMPLETE else sentences(*EVERY_ANSWER))
    for sentence, translation in catalogue.items():
        assert translation, sentence
        assert placeholders(translation) == placeholders(sentence)


def test_the_languages_that_are_read_are_spoken() -> None:
    assert {path.parts[-3] for path in CATALOGUES} | {FALLBACK} == set(LANGUAGES) - {"ar"}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
@pytest.mark.parametrize("command", ["why", "losses"])
def test_a_command_is_named_as_it_is_registered(path: Path, command: str) -> None:
    with path.open("rb") as source:
        catalogue = {str(message.id): str(message.string) for message in read_po(source) if message.id}
    naming = [sentence for sentence in catalogue if f"/{command}" in sentence]
    assert naming
    assert all(f"/{catalogue[command]}" in catalogue[sentence] for sentence in naming)
