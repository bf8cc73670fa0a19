"""The single list of what is supported: help, autocomplete, docs and the generic tests all follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from explainers.losses import (
    activations,
    adaptive,
    binary,
    classification,
    ctc,
    distances,
    likelihood,
    linear,
    margins,
    regression,
)
from explainers.losses.loss import Loss

__all__ = ["Loss", "Registry", "registered", "registry"]


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
        return self.losses.get(name) if owner in ("torch.nn.functional", "torch", "torch.nn") else None


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
    families = (classification, regression, binary, likelihood, margins, distances, linear, adaptive, ctc, activations)
    return tuple(loss for family in families for loss in family.losses())
