"""Two literals → the tensors that a loss takes: scores and an index for each row, or entries side by side."""

from dataclasses import dataclass

from bot.reading.literals import Literal
from bot.reading.printed import Value, shape

INDEXED = frozenset(("cross_entropy", "nll_loss", "multi_margin_loss"))
"""Losses that take class indices."""
_BROADCASTING = frozenset(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "hinge_embedding_loss"))
ELEMENTWISE = _BROADCASTING | {
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss", "soft_margin_loss",
    "multilabel_soft_margin_loss", "multilabel_margin_loss",
}  # fmt: skip
"""Losses whose target has the shape of the input."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """Input and target of a call.

    `indexed` says that the target holds class indices, `reshaped` that it was written in another shape.
    """

    value: Value
    target: Value
    indexed: bool
    reshaped: bool = False


def arguments(loss: str, item: Literal, target: Literal) -> Arguments | None:
    """What torch takes of the two, None where their shapes do not fit the loss."""
    value, aim = item.value, target.value
    if loss in INDEXED and target.integral and shape(aim) != shape(value):
        return _indexed(value, aim)
    if shape(aim) == () and shape(value) == (1,):
        aim = (aim,)
    if loss in _BROADCASTING:
        return Arguments(value, aim, False) if _broadcast(value, aim) else None
    if loss not in ELEMENTWISE and loss != "cross_entropy":
        return None
    aligned = aim if shape(aim) == shape(value) else _as_column(aim, value)
    if aligned is None:
        return None
    return Arguments(value, aligned, loss == "multilabel_margin_loss", aligned != aim)


def _as_column(aim: Value, value: Value) -> Value | None:
    """A row of labels as the column that the predictions are, or a column as the row; else None."""
    flat, sizes = flattened(aim), shape(value) or ()
    if max(shape(aim) or (0,)) != len(flat) or max(sizes, default=0) != len(flat):
        return None
    return tuple(flat) if len(sizes) == 1 else tuple((each,) for each in flat) if sizes[1:] == (1,) else None


def flattened(value: Value) -> list[float]:
    """All entries in order."""
    return [each for entry in value for each in flattened(entry)] if isinstance(value, tuple) else [value]


def _indexed(value: Value, aim: Value) -> Arguments | None:
    if shape(aim) == (1,) and len(shape(value) or ()) == 1:
        value = (value,)
    if shape(aim) == () and len(shape(value) or ()) == 2:
        aim = (aim,)
    sizes = shape(value) or ()
    rows = (*sizes[:1], *sizes[2:]) if len(sizes) > 1 else ()
    if sizes and shape(aim) == (*rows, 1):
        return Arguments(value, tuple(flattened(aim)), True, reshaped=True)
    return Arguments(value, aim, True) if sizes and shape(aim) == rows else None


def _broadcast(value: Value, aim: Value) -> bool:
    sizes, aims = shape(value) or (), shape(aim) or ()
    return all(a == b or 1 in (a, b) for a, b in zip(reversed(sizes), reversed(aims), strict=False))


def tensor(value: Value, integers: bool = False) -> str:
    """The value as torch code."""
    return f"torch.tensor({_written(value, integers)})"


def _written(value: Value, integers: bool) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_written(v, integers) for v in value)}]"
    if integers and abs(value) < 2**53:
        return str(int(value))
    return repr(value) if value - value == 0 else f'float("{value}")'
