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
_ENTROPIES = ("categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy")
_BOOSTING = re.compile(r"(?<![A-Za-z])(?:xgboost|xgb|lightgbm|lgbm|catboost)(?![A-Za-z])", re.I)
_BOOSTED = re.compile(r"m?log[ _-]?loss", re.I)
_TRANSDUCER = re.compile(r"(?<![A-Za-z])(?:RNN-?T|RNN[ -]?Transducer|[Jj]oint(?:er)?Net|[Tt]ransducer)(?![A-Za-z])")
_FROM_SCORES = re.compile(r"\((?:[^()]|\([^()]*\)){0,300}?\bfrom_logits\s*=\s*True")
"""Behind the name of a loss: a call of it that is told that it gets raw scores."""

_LOOSE = {name.lower().replace("_", ""): known for name, known in
          (*_NAMES.items(), *((name, name) for name in (*KERAS, *KERAS_CLASSES)))}  # fmt: skip


def foreign_losses(prose: str) -> tuple[Foreign, ...]:
    """Losses of other frameworks by name; a name that torch has, too, counts only beside that of a framework."""
    told = bool(_FRAMEWORK.search(prose))
    packages = [package for package in _PACKAGES if package in prose.lower()]
    named = [match for match in _NAME.finditer(prose) if told or "crossentropy" in match.group().lower()]
    found = [Foreign(m.group(), _difference(_known(m.group(), packages), prose, m.end())) for m in named]
    if told and not found and re.search(r"log[ _-]?loss", prose, re.I):
        found.append(Foreign("log_loss", OTHERS["log_loss"].difference))
    if _OF_SCIPY.search(prose):
        found.append(Foreign("scipy.stats.entropy", OTHERS[_ENTROPY].difference))
    boosted = _BOOSTED.search(prose) if _BOOSTING.search(prose) else None
    if (transducer := _TRANSDUCER.search(prose)) is not None:
        found.append(Foreign(transducer.group(), "transducer"))
    return tuple(dict.fromkeys([*found, *([Foreign(boosted.group(), "boosted")] if boosted else ())]))


def _known(name: str, packages: Sequence[str]) -> str:
    """Its definition's name: that of a package which the prose names, where it has its own."""
    own = (f"{package}.{name}" for package in packages)
    return next((each for each in own if each in OTHERS), _LOOSE[name.lower().replace("_", "")])


def _difference(known: str, prose: str, at: int) -> Difference:
    """That of a loss whose name ends there."""
    found = (KERAS.get(KERAS_CLASSES.get(known, known)) or OTHERS[known]).difference
    taking = found in ("keras-probabilities", "keras-clip") and _FROM_SCORES.match(prose, at)
    return "keras-scores" if taking else found


def keras_source(foreign: Sequence[Foreign], taken: Arguments) -> str | None:
    """What Keras computes of what stands in prose: of scores their probabilities, unless it is told from_logits=True.

    The last line holds all of it but the two tensors, so that it can be read alone.
    """
    known = ((each, _LOOSE[loose]) for each in foreign if (loose := each.name.lower().replace("_", "")) in _LOOSE)
    first = next(((each, KERAS_CLASSES.get(name, name)) for each, name in known), None)
    if first is None or first[1] not in _ENTROPIES:
        return None
    scores, name = first[0].difference == "keras-scores", first[1]
    loss = "sparse_categorical_crossentropy" if taken.indexed and name == "categorical_crossentropy" else name
    lines = [f"y_true = {tensor(taken.target, integers=taken.indexed)}", f"y_pred = {tensor(taken.value)}"]
    made = "torch.sigmoid(y_pred)" if name.startswith("binary") else "torch.softmax(y_pred, dim=-1)"
    first_step = [] if scores or _are_probabilities(taken.value) else [("y_pred", made)]
    value = _folded([*first_step, *KERAS[loss].rows({"from_logits": scores})])
    return "\n".join([*lines, f"({value}).mean()"])


def _folded(steps: Sequence[tuple[str, str]]) -> str:
    """The last expression with what the steps before it bind written out in it."""
    bound: dict[str, str] = {}
    for name, expression in steps:
        bound[name] = re.sub(r"\by_(?:pred|true)\b", lambda used: _inside(bound.get(used[0], used[0])), expression)
    return bound[""]


def _inside(expression: str) -> str:
    """An expression where a name stood: in brackets, where it is no name or call."""
    return expression if re.fullmatch(r"[\w.]+(?:\([^()]*\))?", expression) else f"({expression})"


def _are_probabilities(value: Value) -> bool:
    return all(0 <= entry <= 1 for entry in flattened(value))
