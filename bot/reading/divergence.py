"""Two rows of probabilities and the number that kl_div printed of them → the arguments that return it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bot.reading.arguments import Arguments, flattened, tensor
from bot.reading.printed import NUMBER, number_at, shape


def kl_arguments(taken: Arguments, prose: str) -> tuple[str, str]:
    """Input and target as code: as they were written, else in the order, with the logarithm, that returns a number.

    kl_div means target · (log target - input); its mean is over all elements, its sum and batchmean over the rows.
    """
    plain = (tensor(taken.value), tensor(taken.target))
    if shape(taken.value) != shape(taken.target):
        return plain
    value, target = flattened(taken.value), flattened(taken.target)
    if not all(0 < p <= 1 for p in (*value, *target)):
        return plain
    said = [number_at(prose, match) for match in NUMBER.finditer(prose)]
    forms = ((plain, _terms(value, target)), *_with_logarithm(taken, value, target))
    for number in said:
        for code, terms in forms:
            if any(abs(each - float(str(number.value))) <= number.radius for each in _reduced(terms, taken)):
                return code
    return plain


def _with_logarithm(
    taken: Arguments, value: list[float], target: list[float]
) -> Iterator[tuple[tuple[str, str], list[float]]]:
    for (name, p), (other, q) in (
        ((taken.value, value), (taken.target, target)),
        ((taken.target, target), (taken.value, value)),
    ):
        yield (f"{tensor(name)}.log()", tensor(other)), _terms([math.log(each) for each in p], q)


def _terms(value: list[float], target: list[float]) -> list[float]:
    return [q * (math.log(q) - x) for x, q in zip(value, target, strict=True)]


def _reduced(terms: list[float], taken: Arguments) -> tuple[float, ...]:
    """The mean over all elements, the sum, and the sum over the rows."""
    rows = (shape(taken.value) or (1,))[0]
    return sum(terms) / len(terms), sum(terms), sum(terms) / max(rows, 1)
