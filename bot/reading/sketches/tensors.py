"""Tensors made up by what a loss expects of them, as code."""

import math
from dataclasses import dataclass
from enum import Enum

from bot.reading.arguments import INDEXED
from bot.reading.losses import functions

LARGEST = 10**7
"""Elements of a made-up tensor."""


class Sort(Enum):
    """What the numbers of a tensor are."""

    SCORES = "scores"
    NUMBERS = "numbers"
    PROBABILITIES = "probabilities"
    LOG_PROBABILITIES = "log-probabilities"
    INDICES = "indices"
    BINARY = "binary"
    DISTRIBUTION = "distribution"
    SIGNS = "signs"
    WHOLE = "whole"
    WEIGHTS = "weights"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Shapes and sorts of the inputs and of the targets; a snippet fits one of a few."""

    input: tuple[int, ...]
    target: tuple[int, ...]
    sort: Sort

    @property
    def classes(self) -> int:
        """The length of the axis of classes."""
        return _classes(self.input)


_OF_CLASSES = (
    Scenario((4, 3), (4,), Sort.INDICES),
    Scenario((2, 3, 4, 4), (2, 4, 4), Sort.INDICES),
    Scenario((4, 3), (4, 3), Sort.DISTRIBUTION),
    Scenario((4, 3), (4, 3), Sort.WHOLE),
    Scenario((4, 3), (4, 2), Sort.WHOLE),
)
_EVEN = ((4,), (4, 3), (4, 1), (2, 1, 4, 4))
_COLUMNS = (Scenario((4, 3), (4, 2), Sort.WHOLE), Scenario((4, 3), (4,), Sort.WHOLE))
_TARGETS = {
    "binary_cross_entropy": Sort.BINARY,
    "binary_cross_entropy_with_logits": Sort.BINARY,
    "multilabel_soft_margin_loss": Sort.BINARY,
    "kl_div": Sort.DISTRIBUTION,
    "soft_margin_loss": Sort.SIGNS,
    "hinge_embedding_loss": Sort.SIGNS,
    "margin_ranking_loss": Sort.SIGNS,
    "dice_loss": Sort.BINARY,
}
_INPUTS = {
    "binary_cross_entropy": Sort.PROBABILITIES,
    "nll_loss": Sort.LOG_PROBABILITIES,
    "kl_div": Sort.LOG_PROBABILITIES,
}


def scenarios(loss: str) -> tuple[Scenario, ...]:
    """What a program with this loss may be given, the likeliest first; for one of no loss of torch either kind."""
    if loss in INDEXED:
        return _OF_CLASSES
    known = loss in _TARGETS or loss in functions()
    sort = _TARGETS.get(loss, Sort.NUMBERS if known else Sort.BINARY)
    several = (each for each in _EVEN if sort is not Sort.DISTRIBUTION or _classes(each) > 1)
    even = tuple(Scenario(shape, shape, sort) for shape in several)
    return (*even, *_COLUMNS) if known else (_OF_CLASSES[0], *even[:2], _OF_CLASSES[1], even[3])


def input_sort(loss: str) -> Sort:
    """What the loss takes as its input."""
    return _INPUTS.get(loss, Sort.SCORES)


def made(sort: Sort, shape: tuple[int, ...], classes: int) -> str:
    """Code of a tensor; `classes` bounds the indices."""
    sizes = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
    axis = 1 if len(shape) > 1 else 0
    match sort:
        case Sort.SCORES:
            return f"torch.randn({sizes}, requires_grad=True)"
        case Sort.NUMBERS:
            return f"torch.randn({sizes})"
        case Sort.WEIGHTS:
            return f"torch.rand({sizes})"
        case Sort.PROBABILITIES:
            return f"torch.rand({sizes}, requires_grad=True)"
        case Sort.LOG_PROBABILITIES:
            return f"torch.randn({sizes}, requires_grad=True).log_softmax({axis})"
        case Sort.DISTRIBUTION:
            return f"torch.randn({sizes}).softmax({axis})"
        case Sort.INDICES:
            return f"torch.randint(0, {classes}, {sizes})"
        case Sort.BINARY:
            return f"torch.randint(0, 2, {sizes}).float()"
        case Sort.SIGNS:
            return f"torch.randint(0, 2, {sizes}).float() * 2 - 1"
        case Sort.WHOLE:
            return f"torch.randint(0, 2, {sizes})"


def fits(shape: tuple[int, ...]) -> bool:
    """Whether a tensor of this shape may be made up."""
    return 0 < math.prod(shape) <= LARGEST


def _classes(shape: tuple[int, ...]) -> int:
    return shape[1] if len(shape) > 1 else max(shape, default=1)
