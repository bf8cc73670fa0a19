"""The pages of docs/losses are what the registry makes of itself: none is stale, missing or left over."""

from __future__ import annotations

from pathlib import Path

import pytest

from explainers.losses.registry import registry
from explainers.reference import contents, example, page

DOCS = Path(__file__).parents[2] / "docs" / "losses"
LOSSES = registry().losses


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_page_is_not_stale(name: str) -> None:
    loss = LOSSES[name]
    assert (DOCS / f"{name}.md").read_text() == page(loss, example(loss)), "run make docs"


def test_there_is_a_page_and_a_card_for_each_and_no_other() -> None:
    assert (DOCS / "README.md").read_text() == contents(), "run make docs"
    assert {path.stem for path in DOCS.glob("*.md")} == {*LOSSES, "README"}
    assert {path.stem for path in DOCS.glob("*.png")} == set(LOSSES)
