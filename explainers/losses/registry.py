"""The single list of what is supported: help, autocomplete, docs and the generic tests all follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from explainers.graph.arrays import Array
from explainers.losses import binary, classification, regression


@dataclass(frozen=True)
class Loss:
    """A supported function of torch.

    `symbols` gives the letter that formulas show for each tensor argument, `example` a runnable snippet of ours whose
    last expression is the loss, `convex_in` the arguments in which it is convex (so that a stationary point within
    a box is its floor there), `constant` the ones that torch gives no gradient for, `module` the nn class
    that calls it. `is_loss` is False for the functions next to losses (softmax and the like).
    """

    name: str
    program: Callable[..., Array]
    symbols: Mapping[str, str]
    example: str
    module: str | None = None
    convex_in: tuple[str, ...] = ()
    is_loss: bool = True
    constant: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def function(self) -> str:
        """torch's qualified name."""
        return f"torch.nn.functional.{self.name}"


@dataclass(frozen=True)
class Registry:
    """Losses by name."""

    losses: Mapping[str, Loss] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, name: str) -> Loss:
        """The loss of this name; KeyError where there is none."""
        return self.losses[name]

    def of(self, function: str) -> Loss | None:
        """The loss behind a qualified torch name, None where it is not supported."""
        owner, _, name = function.rpartition(".")
        return self.losses.get(name) if owner in ("torch.nn.functional", "torch") else None


def registry() -> Registry:
    """Every supported loss. Raises ValueError where a name is registered twice."""
    return registered(_losses())


def registered(losses: tuple[Loss, ...]) -> Registry:
    """A registry of these losses. Raises ValueError where a name appears twice."""
    table: dict[str, Loss] = {}
    for loss in losses:
        if loss.name in table:
            raise ValueError(f"{loss.name} is registered twice")
        table[loss.name] = loss
    return Registry(MappingProxyType(table))


def _losses() -> tuple[Loss, ...]:
    return (
        Loss(
            "cross_entropy",
            classification.cross_entropy,
            {"input": "z", "target": "y", "weight": "w"},
            "logits = torch.tensor([[2.0, 0.5, -1.0]])\ntarget = torch.tensor([0])\nF.cross_entropy(logits, target)",
            module="CrossEntropyLoss",
            convex_in=("input",),
            constant=("weight",),
            words=("cross entropy", "cross-entropy", "CE"),
        ),
        Loss(
            "nll_loss",
            classification.nll_loss,
            {"input": "z", "target": "y", "weight": "w"},
            "log_p = torch.log_softmax(torch.tensor([[2.0, 0.5, -1.0]]), dim=1)\nF.nll_loss(log_p, torch.tensor([0]))",
            module="NLLLoss",
            convex_in=("input",),
            constant=("weight",),
            words=("negative log-likelihood", "NLL"),
        ),
        Loss(
            "mse_loss",
            regression.mse_loss,
            {"input": "x", "target": "y", "weight": "w"},
            "F.mse_loss(torch.tensor([2.5, 0.0]), torch.tensor([3.0, -0.5]))",
            module="MSELoss",
            convex_in=("input", "target"),
            words=("mean squared error", "MSE"),
        ),
        Loss(
            "binary_cross_entropy",
            binary.binary_cross_entropy,
            {"input": "p", "target": "t", "weight": "w"},
            "F.binary_cross_entropy(torch.tensor([0.8, 0.3]), torch.tensor([1.0, 0.0]))",
            module="BCELoss",
            convex_in=("input",),
            constant=("weight",),
            words=("binary cross entropy", "BCE"),
        ),
        Loss(
            "binary_cross_entropy_with_logits",
            binary.binary_cross_entropy_with_logits,
            {"input": "x", "target": "t", "weight": "w", "pos_weight": "q"},
            "F.binary_cross_entropy_with_logits(torch.tensor([2.0, -1.0]), torch.tensor([1.0, 0.0]))",
            module="BCEWithLogitsLoss",
            convex_in=("input",),
            constant=("weight", "pos_weight"),
            words=("BCE with logits",),
        ),
        Loss(
            "log_softmax",
            classification.log_softmax,
            {"input": "z"},
            "F.log_softmax(torch.tensor([2.0, 0.5, -1.0]), dim=0)",
            module="LogSoftmax",
            is_loss=False,
        ),
        Loss(
            "softmax",
            classification.softmax,
            {"input": "z"},
            "F.softmax(torch.tensor([2.0, 0.5, -1.0]), dim=0)",
            module="Softmax",
            is_loss=False,
        ),
    )
