"""The pages of docs/losses are what the registry makes of itself: none is stale, missing or left over."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from PIL import Image

from explainers import explain
from explainers.cards.render import Renderer
from explainers.losses.registry import registry
from explainers.reference import PICTURES, contents, digest, digests, example, known_operations, page

DOCS = Path(__file__).parents[2] / "docs" / "losses"
LOSSES = registry().losses
CARD = (1100, 700)
"""Pixels: twice 550 by 350 points."""


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_neither_page_nor_card_is_stale(name: str, renderer: Renderer) -> None:
    loss = LOSSES[name]
    found = example(loss)
    assert (DOCS / f"{name}.md").read_text() == page(loss, found), "run make docs"
    assert digests(DOCS)[name] == digest(renderer, found), "run make docs"


def test_a_digest_changes_with_what_is_drawn(renderer: Renderer) -> None:
    found = example(LOSSES["mse_loss"])
    other = explain("mse_loss", torch.tensor([2.5, 0.0]), torch.tensor([3.0, -0.25]))
    template = renderer.templates["card"]
    drawn = digest(renderer, found)
    assert drawn == digest(renderer, found) != digest(renderer, other)
    renderer.templates["card"] = template + b"\n"
    assert drawn != digest(renderer, found)
    renderer.templates["card"] = template


def test_the_list_of_operations_is_that_of_the_table() -> None:
    assert (DOCS.parent / "operations.md").read_text() == known_operations(), "run make docs"


def test_there_is_a_page_and_a_card_for_each_and_no_other() -> None:
    assert (DOCS / "README.md").read_text() == contents(), "run make docs"
    assert {path.stem for path in DOCS.glob("*.md")} == {*LOSSES, "README"}
    assert {path.stem for path in DOCS.glob("*.png")} == set(LOSSES) == set(digests(DOCS))
    assert {f"{name}.png" for name in LOSSES} == set(digests(DOCS, PICTURES))


def test_each_picture_is_a_whole_card_and_the_one_that_was_drawn() -> None:
    drawn = digests(DOCS, PICTURES)
    for path in (*DOCS.glob("*.png"), DOCS.parent / "card.png"):
        assert path.parent != DOCS or hashlib.sha256(path.read_bytes()).hexdigest() == drawn[path.name], path
        with Image.open(path) as picture:
            picture.verify()
        with Image.open(path) as picture:
            assert (picture.format, picture.size) == ("PNG", CARD), path
            written = sum(picture.convert("L").histogram()[128:]) / (CARD[0] * CARD[1])  # light on dark
            assert 0.01 < written < 0.1, (path, written)
