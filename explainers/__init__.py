"""From a torch program to a proven, drawn explanation of its loss.

    from explainers import explain, watch

    explain("cross_entropy", logits, target, label_smoothing=0.1)
    with watch() as run:
        loss = my_loss(model(x), y)
    run.explain(loss)

The names are looked up on first use: a process that only derives and draws must not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explainers.notebook import explain, explain_error, watch

__all__ = ["explain", "explain_error", "watch"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"explainers has no {name!r}")
    from explainers import notebook

    return getattr(notebook, name)
