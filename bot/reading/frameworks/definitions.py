"""What the losses of other frameworks compute, written in torch, from their documented definitions.

Keras 3: keras.io/api/losses and the TensorFlow backend; tf.nn, sklearn.metrics.log_loss and optax: their API pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.reading.question import Difference

Options = dict[str, float | bool | str | None]

CLIP = "clamp(1e-7, 1 - 1e-7)"
"""keras.config.epsilon() is 1e-7."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A loss: names of its arguments in order, its value per row in torch, and what people take for it in torch.

    `rows` gives expressions of the arguments' names that are evaluated in turn, each bound to the name before it; the
    last is the value. `torch` gives "" where torch has no such loss. `averaged` says that the mean over the rows is
    taken. `difference` names what to say.
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


def _smoothed_halves(options: Options) -> list[tuple[str, str]]:
    """Two classes share what smoothing takes."""
    smoothing = options.get("label_smoothing")
    return [("y_true", f"y_true * (1 - {smoothing}) + {smoothing} / 2")] if smoothing else []


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
        return [*_smoothed_halves(options), ("", with_logits)]
    terms = "-(y_true * torch.log(y_pred) + (1 - y_true) * torch.log(1 - y_pred)).mean(-1)"
    return [*_smoothed_halves(options), *_clipped(options), ("", terms)]


def _torch_categorical(options: Options) -> str:
    smoothing = options.get("label_smoothing")
    return f"{_SOFT[:-1]}, label_smoothing={smoothing})" if smoothing else _SOFT


def _torch_binary(options: Options) -> str:
    name = "binary_cross_entropy_with_logits" if options.get("from_logits") else "binary_cross_entropy"
    smoothing = options.get("label_smoothing")
    target = f"y_true.float() * (1 - {smoothing}) + {smoothing} / 2" if smoothing else "y_true.float()"
    return f"F.{name}(y_pred, {target})"


def _plain(expression: str) -> Callable[[Options], list[tuple[str, str]]]:
    return lambda _options: [("", expression)]


def _huber(options: Options) -> list[tuple[str, str]]:
    return [("", f'F.huber_loss(y_pred, y_true, reduction="none", delta={options.get("delta", 1.0)}).mean(-1)')]


def _torch_huber(options: Options) -> str:
    return f"F.huber_loss(y_pred, y_true.float(), delta={options.get('delta', 1.0)})"


def _kl(_options: Options) -> list[tuple[str, str]]:
    low = [("y_true", "y_true.clamp(1e-7, 1)"), ("y_pred", "y_pred.clamp(1e-7, 1)")]
    return [*low, ("", "(y_true * torch.log(y_true / y_pred)).sum(-1)")]


def _signed() -> tuple[str, str]:
    """Labels 0 and 1 as −1 and 1."""
    return ("y_true", "torch.where(y_true > 0, 1.0, -1.0)")


_KERAS = ("y_true", "y_pred")
_HINGE = "(1 - y_true * y_pred).clamp(min=0)"
_RANKED = "F.margin_ranking_loss(y_pred, torch.zeros_like(y_pred), torch.where(y_true > 0, 1.0, -1.0), margin=1.0)"
_SOFT = "F.cross_entropy(y_pred, y_true.float())"
_HARD = "F.cross_entropy(y_pred, y_true)"


def _always(call: str) -> Callable[[Options], str]:
    return lambda _options: call


KERAS: dict[str, Definition] = {
    "categorical_crossentropy": Definition(_KERAS, _categorical, _torch_categorical, "keras-probabilities"),
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
    "huber": Definition(_KERAS, _huber, _torch_huber, "keras-mean"),
    "kl_divergence": Definition(
        _KERAS, _kl, _always('F.kl_div(torch.log(y_pred), y_true, reduction="batchmean")'), "keras-kl"
    ),
    "hinge": Definition(_KERAS, lambda _: [_signed(), ("", f"{_HINGE}.mean(-1)")], _always(_RANKED), "hinge"),
    "squared_hinge": Definition(
        _KERAS, lambda _: [_signed(), ("", f"({_HINGE} ** 2).mean(-1)")], _always(""), "squared-hinge"
    ),
    "categorical_hinge": Definition(
        _KERAS,
        _plain("(((1 - y_true) * y_pred).amax(-1) - (y_true * y_pred).sum(-1) + 1).clamp(min=0)"),
        _always("F.multi_margin_loss(y_pred, y_true.argmax(-1))"),
        "categorical-hinge",
    ),
    "poisson": Definition(
        _KERAS,
        _plain("(y_pred - y_true * torch.log(y_pred + 1e-7)).mean(-1)"),
        _always("F.poisson_nll_loss(y_pred, y_true.float(), log_input=False)"),
        "rate",
    ),
    "cosine_similarity": Definition(
        _KERAS,
        _plain("-(F.normalize(y_true, dim=-1) * F.normalize(y_pred, dim=-1)).sum(-1)"),
        _always("F.cosine_embedding_loss(y_pred, y_true, torch.ones(y_pred.shape[0]))"),
        "cosine",
    ),
    "mean_squared_logarithmic_error": Definition(
        _KERAS,
        _plain("((torch.log1p(y_pred.clamp(min=1e-7)) - torch.log1p(y_true.clamp(min=1e-7))) ** 2).mean(-1)"),
        _always("F.mse_loss(torch.log1p(y_pred), torch.log1p(y_true))"),
        "log1p",
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
    "Hinge": "hinge",
    "SquaredHinge": "squared_hinge",
    "CategoricalHinge": "categorical_hinge",
    "Poisson": "poisson",
    "CosineSimilarity": "cosine_similarity",
    "MeanSquaredLogarithmicError": "mean_squared_logarithmic_error",
}
KERAS_ALIASES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "msle": "mean_squared_logarithmic_error",
}

_TF = ("y_true", "y_pred")
_OPTAX = ("y_pred", "y_true")
_SOFT_ROWS = _plain("-(y_true * torch.log_softmax(y_pred, -1)).sum(-1)")
_HARD_ROWS = _plain('F.cross_entropy(y_pred, y_true, reduction="none")')
_SIGMOID_ROWS = _plain('F.binary_cross_entropy_with_logits(y_pred, y_true.float(), reduction="none")')
_WITH_LOGITS = _always("F.binary_cross_entropy_with_logits(y_pred, y_true.float())")

_WEIGHTED = "F.binary_cross_entropy_with_logits(y_pred, y_true.float(), pos_weight=pos_weight)"
_DIVERGED = 'F.kl_div(torch.log(y_pred), y_true, reduction="none")'
_KL = 'F.kl_div(torch.log(y_pred), y_true, reduction="sum")'
_BY_CLASS = "y_pred.dim() == 2"
_TWO_CLASSES = "F.binary_cross_entropy(y_pred, y_true.float())"


def _diverging(_options: Options) -> list[tuple[str, str]]:
    """scipy.stats.entropy(p, q): the rows are divided by their sums first."""
    normed = [(name, f"{name} / {name}.sum()") for name in _KERAS]
    return [*normed, ("", "torch.special.xlogy(y_true, y_true / y_pred).sum()")]


def _log_loss(options: Options) -> list[tuple[str, str]]:
    """Probabilities of a row per sample, or of the positive class; the mean, or the sum with normalize=False."""
    together = "sum" if options.get("normalize") is False else "mean"
    rows = f'F.nll_loss(torch.log(y_pred), y_true, reduction="{together}")'
    two = f"-(y_true * torch.log(y_pred) + (1 - y_true) * torch.log(1 - y_pred)).{together}()"
    return [("", f"{rows} if {_BY_CLASS} else {two}")]


OTHERS: dict[str, Definition] = {
    "softmax_cross_entropy_with_logits": Definition(_TF, _SOFT_ROWS, _always(_SOFT), "per-row"),
    "sparse_softmax_cross_entropy_with_logits": Definition(_TF, _HARD_ROWS, _always(_HARD), "per-row"),
    "sigmoid_cross_entropy_with_logits": Definition(_TF, _SIGMOID_ROWS, _WITH_LOGITS, "per-row"),
    "softmax_cross_entropy": Definition(_OPTAX, _SOFT_ROWS, _always(_SOFT), "per-row"),
    "softmax_cross_entropy_with_integer_labels": Definition(_OPTAX, _HARD_ROWS, _always(_HARD), "per-row"),
    "sigmoid_binary_cross_entropy": Definition(_OPTAX, _SIGMOID_ROWS, _WITH_LOGITS, "per-row"),
    "optax.l2_loss": Definition(
        _OPTAX, _plain("0.5 * (y_pred - y_true) ** 2"), _always("F.mse_loss(y_pred, y_true.float())"), "optax-half"
    ),
    "squared_error": Definition(
        _OPTAX, _plain("(y_pred - y_true) ** 2"), _always("F.mse_loss(y_pred, y_true.float())"), "per-row"
    ),
    "weighted_cross_entropy_with_logits": Definition(
        (*_TF, "pos_weight"),
        _plain(f'{_WEIGHTED[:-1]}, reduction="none")'),
        _always(_WEIGHTED),
        "per-row",
    ),
    "log_poisson_loss": Definition(
        _TF,
        _plain("torch.exp(y_pred) - y_pred * y_true"),
        _always("F.poisson_nll_loss(y_pred, y_true.float())"),
        "per-row",
    ),
    "tf.l2_loss": Definition(("y_pred",), _plain("0.5 * (y_pred ** 2).sum()"), _always(""), "half-sum"),
    "optax.huber_loss": Definition(
        _OPTAX,
        lambda options: [("", f'F.huber_loss(y_pred, y_true, reduction="none", delta={options.get("delta", 1.0)})')],
        _torch_huber,
        "per-row",
    ),
    "optax.hinge_loss": Definition(_OPTAX, _plain(_HINGE), _always(_RANKED), "hinge"),
    "optax.log_cosh": Definition(
        _OPTAX,
        _plain("torch.log(torch.cosh(y_pred - y_true))"),
        _always("F.smooth_l1_loss(y_pred, y_true.float())"),
        "per-row",
    ),
    "optax.kl_divergence": Definition(
        _OPTAX,
        _plain("(torch.xlogy(y_true, y_true) - y_true * y_pred).sum(-1)"),
        _always('F.kl_div(y_pred, y_true, reduction="batchmean")'),
        "rows-of-kl",
    ),
    "scipy.kl_div": Definition(
        _KERAS, _plain("y_true * torch.log(y_true / y_pred) - y_true + y_pred"), _always(_DIVERGED), "scipy-kl"
    ),
    "scipy.entropy": Definition(_KERAS, _diverging, _always(_KL), "scipy-entropy"),
    "scipy.rel_entr": Definition(
        _KERAS, _plain("y_true * torch.log(y_true / y_pred)"), _always(_DIVERGED), "relative-entropy"
    ),
    "log_loss": Definition(
        _KERAS,
        _log_loss,
        _always(f"F.nll_loss(torch.log(y_pred), y_true) if {_BY_CLASS} else {_TWO_CLASSES}"),
        "sklearn",
    ),
    "brier_score_loss": Definition(
        _KERAS, _plain("((y_pred - y_true) ** 2).mean()"), _always("F.mse_loss(y_pred, y_true.float())"), "brier"
    ),
    "sklearn.hinge_loss": Definition(
        _KERAS, lambda _: [_signed(), ("", f"{_HINGE}.mean()")], _always(_RANKED), "hinge"
    ),
    "sklearn.mean_squared_error": Definition(
        _KERAS, _plain("((y_pred - y_true) ** 2).mean()"), _always("F.mse_loss(y_pred, y_true.float())"), "same-mean"
    ),
    "sklearn.mean_absolute_error": Definition(
        _KERAS, _plain("torch.abs(y_pred - y_true).mean()"), _always("F.l1_loss(y_pred, y_true.float())"), "same-mean"
    ),
    "sklearn.mean_squared_log_error": Definition(
        _KERAS,
        _plain("((torch.log1p(y_pred) - torch.log1p(y_true)) ** 2).mean()"),
        _always("F.mse_loss(torch.log1p(y_pred), torch.log1p(y_true))"),
        "log1p",
    ),
}
"""tf.nn, optax, sklearn.metrics and scipy.special; a name behind its module where others have it for something else."""

LABELS = {
    "labels": "y_true", "logits": "y_pred", "predictions": "y_pred", "targets": "y_true", "log_input": "y_pred",
    "log_predictions": "y_pred", "predictor_outputs": "y_pred", "pred_decision": "y_pred", "y_prob": "y_pred",
    "y_proba": "y_pred", "t": "y_pred",
}  # fmt: skip
"""Keywords of tf.nn, optax and sklearn."""

OPTIONS = frozenset(("from_logits", "label_smoothing", "delta", "reduction", "normalize", "name", "eps"))
"""Keywords that are understood beside the arguments; with any other, a call is left alone."""
