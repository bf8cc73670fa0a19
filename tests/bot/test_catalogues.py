"""Every sentence of the bot's own is in every catalogue, with the same placeholders, and nothing else is."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

BOT = Path(__file__).parents[2] / "bot"
CATALOGUES = sorted((BOT / "locales").glob("*/LC_MESSAGES/bot.po"))


def sentences() -> Iterator[str]:
    for path in BOT.rglob("*.py"):
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


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_catalogue_is_complete_and_holds_nothing_else(path: Path) -> None:
    with path.open("rb") as source:
        catalogue = {str(message.id): str(message.string) for message in read_po(source) if message.id}
    assert set(catalogue) == set(sentences())
    for sentence, translation in catalogue.items():
        assert translation, sentence
        assert placeholders(translation) == placeholders(sentence)


def test_japanese_is_there() -> None:
    assert [path.parts[-3] for path in CATALOGUES] == ["ja"]
