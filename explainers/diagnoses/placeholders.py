"""What may stand for an argument of a loss that is missing: its shape, its dtype, and how such a tensor is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from explainers.diagnoses.fitting import Shape, per_item
from explainers.diagnoses.wording import shape
from explainers.messages import Message, said

Shapes = Mapping[str, Shape]
"""The shapes of the arguments that there are, by parameter; the first one is what the others go by."""


@dataclass(frozen=True)
class Placeholder:
    """A tensor of the right shape and dtype: how it is written (also with one number in all places), and what of."""

    argument: str
    wanted: Shape
    dtype: str
    meaning: Message
    pattern: str

    @property
    def text(self) -> str:
        """How it is written."""
        return self.pattern.format(sizes=", ".join(map(str, self.wanted)) or "()", shape=shape(self.wanted))

    @property
    def words(self) -> Message:
        """What the argument has to be."""
        return said("{argument} has to be {dtype} of shape {shape}: {meaning}.", argument=self.argument,
                    dtype=self.dtype, shape=shape(self.wanted), meaning=self.meaning)  # fmt: skip

    def filled(self, value: str) -> str:
        """How it is written with one number in all places."""
        whole = "" if self.dtype != "int64" else ", dtype=torch.long"
        return f"torch.full({shape(self.wanted)}, {value}{whole})"


@dataclass(frozen=True)
class _Kind:
    wanted: Callable[[Shapes], Shape]
    dtype: str
    meaning: Message
    pattern: str


def placeholder(loss: str, argument: str, shapes: Shapes) -> Placeholder | None:
    """What may stand for an argument of a loss where the others have these shapes; None where that is not known."""
    name = argument.rstrip("_")
    kind = _KINDS.get(loss, {}).get(name) if shapes else None
    try:
        wanted = None if kind is None else kind.wanted(shapes)
    except LookupError:  # one that it goes by is missing too, or has no such axis
        return None
    return None if kind is None or wanted is None else Placeholder(name, wanted, kind.dtype, kind.meaning, kind.pattern)


def _first(shapes: Shapes) -> Shape:
    return next(iter(shapes.values()))


def _items(shapes: Shapes) -> Shape:
    return per_item(_first(shapes))


def _rows(shapes: Shapes) -> Shape:
    return _first(shapes)[:-1]


def _sequences(shapes: Shapes) -> Shape:
    """One for each sequence of log_probs (T, N, C); of (T, C) there is one."""
    return shapes["log_probs"][1:-1] or (1,)


def _labels(shapes: Shapes) -> Shape:
    """As many labels as there can be, which is one for each time step."""
    return (*_sequences(shapes), shapes["log_probs"][0])


_ZEROS: Final = "torch.zeros({sizes})"
_ONES: Final = "torch.ones({sizes})"
_WHOLE: Final = "torch.zeros({sizes}, dtype=torch.long)"
_ONE: Final = "torch.ones({sizes}, dtype=torch.long)"
_NUMBERS: Final = _Kind(_first, "float32", said("a number for each one of the first argument"), _ZEROS)
_SHARES: Final = _Kind(_first, "float32", said("a number between 0 and 1 for each one of the input"), _ZEROS)
_SIGNS: Final = _Kind(_first, "float32", said("1 or −1 for each number of the first argument"), _ONES)
_PAIRS: Final = _Kind(_rows, "float32", said("1 or −1 for each pair of vectors"), _ONES)
_VARIANCES: Final = _Kind(_first, "float32", said("a variance above 0 for each number of the input"), _ONES)
_LABELS: Final = _Kind(_items, "int64", said("the index of a class for each item"), _WHOLE)
_OF_ROWS: Final = _Kind(_rows, "int64", said("the index of a class for each item"), _WHOLE)
_LISTS: Final = _Kind(_first, "int64", said("lists of classes, filled up with −1"), "torch.full({shape}, -1)")
_TEXTS: Final = _Kind(_labels, "int64", said("the labels of each sequence"), _ONE)
_COUNTS: Final = _Kind(_sequences, "int64", said("how many of each sequence there are"), _ONE)

_KINDS: Final[Mapping[str, Mapping[str, _Kind]]] = MappingProxyType(
    {
        **{
            name: {"target": kind}
            for kind, names in (
                (_NUMBERS, ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss")),
                (_SHARES, ("binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div")),
                (_SHARES, ("multilabel_soft_margin_loss",)),
                (_SIGNS, ("soft_margin_loss", "hinge_embedding_loss")),
                (_LABELS, ("cross_entropy", "nll_loss")),
                (_OF_ROWS, ("linear_cross_entropy", "AdaptiveLogSoftmaxWithLoss", "multi_margin_loss")),
                (_LISTS, ("multilabel_margin_loss",)),
            )
            for name in names
        },
        "triplet_margin_loss": {"positive": _NUMBERS, "negative": _NUMBERS},
        "triplet_margin_with_distance_loss": {"positive": _NUMBERS, "negative": _NUMBERS},
        "cosine_similarity": {"x2": _NUMBERS},
        "pairwise_distance": {"x2": _NUMBERS},
        "gaussian_nll_loss": {"target": _NUMBERS, "var": _VARIANCES},
        "margin_ranking_loss": {"input2": _NUMBERS, "target": _SIGNS},
        "cosine_embedding_loss": {"input2": _NUMBERS, "target": _PAIRS},
        "ctc_loss": {"targets": _TEXTS, "input_lengths": _COUNTS, "target_lengths": _COUNTS},
    }
)
