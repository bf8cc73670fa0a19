"""What the losses of other frameworks compute, written in torch, from their documented definitions.

Keras 3: keras.io/api/losses and the TensorFlow backend; tf.nn, sklearn.metrics.log_loss and optax: their API pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.reading.question import Difference

Options = dict[str, float | bool]

CLIP = "clamp(1e-7, 1 - 1e-7)"
"""keras.config.epsilon() is 1e-7."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A loss: names of its arguments in order, its value per row in torch, and what people take for it in torch.

    `rows` gives expressions of the first two arguments' names that are evaluated in turn, each bound to the name before
    it; the last is the value. `averaged` says that the mean over the rows is taken. `difference` names what to say.
    """

    arguments: tuple[str, ...]
    rows: Callable[[Options], list[tuple[str, str]]]
    torch: Callable[[Options], str]
    difference: Difference
    averaged: bool = False


def _clipped(options: Options) -> list[tuple[str, str]]:
    return [] if options.get("from_logits") else [("y_pred", f"y_pred.{CLIP}")]


def _smoothed(options: Options) -> list[tuple[str, str]]:
    smoothing = options.get("label_smoothing")
    share = f"y_true * (1 - {smoothing}) + {smoothing} / y_true.shape[-1]"
    return [("y_true", share)] if smoothing else []


def _categorical(options: Options) -> list[tuple[str, str]]:
    if options.get("from_logits"):
        return [*_smoothed(options), ("", "-(y_true * torch.log_softmax(y_pred, -1)).sum(-1)")]
    normed = [("y_pred", "y_pred / y_pred.sum(-1, keepdim=True)")]
    return [*_smoothed(options), *normed, *_clipped(options), ("", "-(y_true * torch.log(y_pred)).sum(-1)")]


def _sparse(options: Options) -> list[tuple[str, str]]:
    scores = "y_pred" if options.get("from_logits") else "torch.log(y_pred)"
    return [*_clipped(options), ("", f'F.cross_entropy({scores}, y_true, reduction="none")')]


def _binary(options: Options) -> list[tuple[str, str]]:
    if options.get("from_logits"):
        with_logits = 'F.binary_cross_entropy_with_logits(y_pred, y_true.float(), reduction="none").mean(-1)'
        return [("", with_logits)]
    terms = "-(y_true * torch.log(y_pred) + (1 - y_true) * torch.log(1 - y_pred)).mean(-1)"
    return [*_clipped(options), ("", terms)]


def _torch_binary(options: Options) -> str:
    name = "binary_cross_entropy_with_logits" if options.get("from_logits") else "binary_cross_entropy"
    return f"F.{name}(y_pred, y_true.float())"


def _plain(expression: str) -> Callable[[Options], list[tuple[str, str]]]:
    return lambda _options: [("", expression)]


def _huber(options: Options) -> list[tuple[str, str]]:
    return [("", f'F.huber_loss(y_pred, y_true, reduction="none", delta={options.get("delta", 1.0)}).mean(-1)')]


def _kl(_options: Options) -> list[tuple[str, str]]:
    low = [("y_true", "y_true.clamp(1e-7, 1)"), ("y_pred", "y_pred.clamp(1e-7, 1)")]
    return [*low, ("", "(y_true * torch.log(y_true / y_pred)).sum(-1)")]


_KERAS = ("y_true", "y_pred")
_SOFT = "F.cross_entropy(y_pred, y_true.float())"
_HARD = "F.cross_entropy(y_pred, y_true)"


def _always(call: str) -> Callable[[Options], str]:
    return lambda _options: call


KERAS: dict[str, Definition] = {
    "categorical_crossentropy": Definition(_KERAS, _categorical, _always(_SOFT), "keras-probabilities"),
    "sparse_categorical_crossentropy": Definition(_KERAS, _sparse, _always(_HARD), "keras-probabilities"),
    "binary_crossentropy": Definition(_KERAS, _binary, _torch_binary, "keras-clip"),
    "mean_squared_error": Definition(
        _KERAS, _plain("((y_pred - y_true) ** 2).mean(-1)"), _always("F.mse_loss(y_pred, y_true.float())"), "keras-mean"
    ),
    "mean_absolute_error": Definition(
        _KERAS,
        _plain("torch.abs(y_pred - y_true).mean(-1)"),
        _always("F.l1_loss(y_pred, y_true.float())"),
        "keras-mean",
    ),
    "huber": Definition(_KERAS, _huber, _always("F.huber_loss(y_pred, y_true.float())"), "keras-mean"),
    "kl_divergence": Definition(
        _KERAS, _kl, _always('F.kl_div(torch.log(y_pred), y_true, reduction="batchmean")'), "keras-kl"
    ),
    "log_cosh": Definition(
        _KERAS,
        _plain("torch.log(torch.cosh(y_pred - y_true)).mean(-1)"),
        _always("F.smooth_l1_loss(y_pred, y_true.float())"),
        "keras-mean",
    ),
}
"""Function forms, a value per row; the class of the same name averages over them."""

KERAS_CLASSES = {
    "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
    "BinaryCrossentropy": "binary_crossentropy",
    "MeanSquaredError": "mean_squared_error",
    "MeanAbsoluteError": "mean_absolute_error",
    "Huber": "huber",
    "KLDivergence": "kl_divergence",
    "LogCosh": "log_cosh",
}
KERAS_ALIASES = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "kld": "kl_divergence"}

_TF = ("y_true", "y_pred")
_OPTAX = ("y_pred", "y_true")
_SOFT_ROWS = _plain("-(y_true * torch.log_softmax(y_pred, -1)).sum(-1)")
_HARD_ROWS = _plain('F.cross_entropy(y_pred, y_true, reduction="none")')
_SIGMOID_ROWS = _plain('F.binary_cross_entropy_with_logits(y_pred, y_true.float(), reduction="none")')
_WITH_LOGITS = _always("F.binary_cross_entropy_with_logits(y_pred, y_true.float())")

OTHERS: dict[str, Definition] = {
    "softmax_cross_entropy_with_logits": Definition(_TF, _SOFT_ROWS, _always(_SOFT), "per-row"),
    "sparse_softmax_cross_entropy_with_logits": Definition(_TF, _HARD_ROWS, _always(_HARD), "per-row"),
    "sigmoid_cross_entropy_with_logits": Definition(_TF, _SIGMOID_ROWS, _WITH_LOGITS, "per-row"),
    "softmax_cross_entropy": Definition(_OPTAX, _SOFT_ROWS, _always(_SOFT), "per-row"),
    "softmax_cross_entropy_with_integer_labels": Definition(_OPTAX, _HARD_ROWS, _always(_HARD), "per-row"),
    "sigmoid_binary_cross_entropy": Definition(_OPTAX, _SIGMOID_ROWS, _WITH_LOGITS, "per-row"),
    "l2_loss": Definition(
        _OPTAX, _plain("0.5 * (y_pred - y_true) ** 2"), _always("F.mse_loss(y_pred, y_true.float())"), "optax-half"
    ),
    "squared_error": Definition(
        _OPTAX, _plain("(y_pred - y_true) ** 2"), _always("F.mse_loss(y_pred, y_true.float())"), "per-row"
    ),
    "log_loss": Definition(
        _KERAS,
        _plain("-(y_true * torch.log(y_pred) + (1 - y_true) * torch.log(1 - y_pred))"),
        _always("F.binary_cross_entropy(y_pred, y_true.float())"),
        "sklearn",
        averaged=True,
    ),
}
"""tf.nn, optax and sklearn.metrics."""

LABELS = {"labels": "y_true", "logits": "y_pred", "predictions": "y_pred", "targets": "y_true"}
"""Keywords of tf.nn and optax."""
