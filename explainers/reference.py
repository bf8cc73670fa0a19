"""The pages of docs/losses: one for each entry of the registry, made by running its example; and docs/operations.md.

    python -m explainers.reference docs/losses [--cards]

`make docs` writes pages and cards, in `cards.sha256` the digest of what each card was drawn from, and in
`pictures.sha256` that of its file; a test compares pages and digests with what this module makes of the registry.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

from explainers.cards.render import Renderer
from explainers.explanation import Explanation
from explainers.losses.loss import Loss
from explainers.losses.registry import registry
from explainers.notebook import explained
from explainers.operations.lacking import reasons, upstream
from explainers.telling import Context, tell
from explainers.torch_ops import decisions, operations, orderings
from explainers.tracing import record

PREAMBLE = "import torch\nimport torch.nn.functional as F\n"
MODULES = "torch.nn"
CARDS = "cards.sha256"
PICTURES = "pictures.sha256"
CLEAR = "Checked and clear"  # a list that says nothing of the loss


def example(loss: Loss) -> Explanation:
    """The explanation of a registered example."""
    return explained(record(PREAMBLE + loss.example))


def page(loss: Loss, found: Explanation) -> str:
    """One page in Markdown: what it is called, its arguments, the example and the whole answer to it."""
    answer = "\n\n".join(part for part in str(found).rstrip().split("\n\n") if not part.startswith(CLEAR))
    return "\n".join([*_head(loss), "```python", loss.example, "```", "", "```text", answer, "```", ""])


def digest(renderer: Renderer, found: Explanation) -> str:
    """Of the template and the data that a card is drawn from, numbers to nine digits: pixels differ by machine."""
    template, data = renderer.source(tell(found, Context()).card)
    rounded = json.dumps(json.loads(json.dumps(data), parse_float=lambda digits: f"{float(digits):.9g}"))
    return hashlib.sha256(template + rounded.encode()).hexdigest()


def digests(folder: Path, kind: str = CARDS) -> dict[str, str]:
    """The digest of each card when it was drawn: of what it was drawn from, or of its picture's file."""
    lines = (folder / kind).read_text().splitlines()
    return {name: held for held, name in (line.split() for line in lines)}


def contents() -> str:
    """The list of all pages."""
    lines = (f"- [{loss.name}]({loss.name}.md): {loss.heading.text}" for loss in registry().losses.values())
    return "\n".join(["# Losses", "", *lines, ""])


def known_operations() -> str:
    """The page of the operations that a formula may be made of."""
    names = ", ".join(sorted({*operations(), *orderings(), *decisions()}))
    return "\n".join([
        "# Operations", "",
        "What a loss that is written by hand may be made of: these functions of torch, under any of the names and "
        "signs that torch has for them, and every function of [losses](losses/README.md). Each is called in the tests "
        "in the ways people call it, its value and gradient enclosed. What is computed by anything else is given: the "
        "formula starts behind it, and where the loss itself is its result, torch's number is shown and said to be "
        "unproven.", "",
        *textwrap.wrap(names, 118), "",
        "## Not among them, and why", "",
        *(f"- {', '.join(sorted(names.split()))}: {why.text}" for names, why in (reasons() | upstream()).items()), "",
    ])  # fmt: skip


def _head(loss: Loss) -> Iterator[str]:
    yield from (f"# {loss.name}", "", f"![{loss.name}]({loss.name}.png)", "", loss.reading.text, "")
    if loss.owner == MODULES:
        yield f"`{loss.function}`, a module. Its call, with what it holds as further arguments: `{_arguments(loss)}`"
    else:
        yield f"`{loss.function}{_arguments(loss)}`"
    if loss.module is not None and loss.owner != MODULES:
        yield f"(module `torch.nn.{loss.module}`)"
    yield ""
    if loss.words:
        yield from (f"Also called: {', '.join(loss.words)}.", "")
    if loss.constant:
        beside = f", unless {loss.unless_real} holds class probabilities" if loss.unless_real else ""
        yield from (f"torch gives no gradient for: {', '.join(loss.constant)}{beside}.", "")
    if loss.convex_in:
        yield from (f"Convex in: {', '.join(loss.convex_in)}.", "")


def _arguments(loss: Loss) -> str:
    parameters = inspect.signature(loss.program).parameters.values()
    shown = (p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters if p.name[0] != "_")
    return f"({', '.join(shown)})"


def main() -> None:
    """Writes every page, and with --cards every picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cards", action="store_true")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    (asked.folder / "README.md").write_text(contents())
    (asked.folder.parent / "operations.md").write_text(known_operations())
    renderer, drawn, pictures = Renderer() if asked.cards else None, dict[str, str](), dict[str, str]()
    for loss in registry().losses.values():
        found = example(loss)
        (asked.folder / f"{loss.name}.md").write_text(page(loss, found))
        if renderer is not None:
            picture = renderer.draw(tell(found, Context()).card)
            (asked.folder / f"{loss.name}.png").write_bytes(picture)
            drawn[loss.name] = digest(renderer, found)
            pictures[f"{loss.name}.png"] = hashlib.sha256(picture).hexdigest()
    for kind, held in ((CARDS, drawn), (PICTURES, pictures)) if renderer is not None else ():
        (asked.folder / kind).write_text("".join(f"{held[name]}  {name}\n" for name in sorted(held)))


if __name__ == "__main__":
    main()
