"""Losses of other frameworks that prose names, and what Keras computes of numbers that are written out."""

import re
from collections.abc import Sequence

from bot.reading.arguments import Arguments, flattened, tensor
from bot.reading.frameworks.definitions import KERAS, KERAS_CLASSES, OTHERS
from bot.reading.printed import Value
from bot.reading.question import Difference, Foreign

_FRAMEWORK = re.compile(
    r"(?<![A-Za-z])(?:keras|tensorflow|tf|sklearn|scikit-learn|optax|jax|flax|scipy)(?![A-Za-z])", re.I
)
_ENTROPY = "scipy.entropy"
_OF_SCIPY = re.compile(r"\bstats\.entropy\b|\bscipy\.stats import entropy\b")
_NAMES = {key.rpartition(".")[2]: key for key in OTHERS if key != _ENTROPY}
_PACKAGES = ("sklearn", "optax", "scipy")
_ALL = "|".join(sorted((*KERAS_CLASSES, *KERAS, *_NAMES), key=len, reverse=True))
_NAME = re.compile(rf"(?<![A-Za-z_])(?<!F\.)(?<!functional\.)(?:{_ALL})(?![A-Za-z_])", re.I)
_BOOSTING = re.compile(r"(?<![A-Za-z])(?:xgboost|xgb|lightgbm|lgbm|catboost)(?![A-Za-z])", re.I)
_BOOSTED = re.compile(r"m?log[ _-]?loss", re.I)
_LOOSE = {name.lower().replace("_", ""): known for name, known in
          (*_NAMES.items(), *((name, name) for name in (*KERAS, *KERAS_CLASSES)))}  # fmt: skip


def foreign_losses(prose: str) -> tuple[Foreign, ...]:
    """Losses of other frameworks by name; a name that torch has, too, counts only beside that of a framework."""
    told = bool(_FRAMEWORK.search(prose))
    names = [match.group() for match in _NAME.finditer(prose)]
    packages = [package for package in _PACKAGES if package in prose.lower()]
    found = {n: _known(n, packages) for n in names if told or "crossentropy" in n.lower()}
    if told and not found and re.search(r"log[ _-]?loss", prose, re.I):
        found["log_loss"] = "log_loss"
    if _OF_SCIPY.search(prose):
        found["scipy.stats.entropy"] = _ENTROPY
    boosted = _BOOSTED.search(prose) if _BOOSTING.search(prose) else None
    return (
        *(Foreign(name, _difference(known)) for name, known in found.items()),
        *([Foreign(boosted.group(), "boosted")] if boosted else ()),
    )


def _known(name: str, packages: Sequence[str]) -> str:
    """Its definition's name: that of a package which the prose names, where it has its own."""
    own = (f"{package}.{name}" for package in packages)
    return next((each for each in own if each in OTHERS), _LOOSE[name.lower().replace("_", "")])


def _difference(known: str) -> Difference:
    return (KERAS.get(KERAS_CLASSES.get(known, known)) or OTHERS[known]).difference


def keras_source(foreign: Sequence[Foreign], taken: Arguments) -> str | None:
    """What Keras computes of probabilities and labels that stand in prose; scores are made probabilities first."""
    known = (_LOOSE[loose] for each in foreign if (loose := each.name.lower().replace("_", "")) in _LOOSE)
    name = next((KERAS_CLASSES.get(each, each) for each in known), "")
    if name not in ("categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy"):
        return None
    loss = "sparse_categorical_crossentropy" if taken.indexed and name == "categorical_crossentropy" else name
    lines = [f"y_true = {tensor(taken.target, integers=taken.indexed)}", f"y_pred = {tensor(taken.value)}"]
    if not _are_probabilities(taken.value):
        lines.append(f"y_pred = torch.{'sigmoid(y_pred)' if name.startswith('binary') else 'softmax(y_pred, dim=-1)'}")
    *steps, (_, value) = KERAS[loss].rows({})
    return "\n".join([*lines, *(f"{target} = {step}" for target, step in steps), f"({value}).mean()"])


def _are_probabilities(value: Value) -> bool:
    return all(0 <= entry <= 1 for entry in flattened(value))
