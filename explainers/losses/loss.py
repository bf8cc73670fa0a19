"""What the registry holds of one loss: its program, its letters and its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from explainers.graph.arrays import Array
from explainers.losses.options.option import Option
from explainers.messages import Message


@dataclass(frozen=True)
class Loss:
    """A supported function of torch.

    `symbols` gives the letter that formulas show for each tensor argument, `example` a runnable snippet of ours whose
    last expression is the loss, `convex_in` the arguments in which it is convex (so that a stationary point within
    a box is its floor there), `constant` the ones that torch gives no gradient for, `module` the nn class
    that calls it. `heading` stands over the definition and `reading` says how the input is read. `words` are names
    that people have for it. `is_loss` is False for the functions next to losses (softmax and the like). `no_floor`
    says, where no least value was computed or the loss falls without end, why there is none to give, and of what is no
    loss between which values it lies, `varied` over what a least value is the least, `no_curve` why nothing is plotted;
    `unless_real` names the argument whose real numbers, in place of class indices, make torch give a gradient for the
    constant ones, too. `of_probabilities` says that torch refuses an input outside of [0, 1]; `rate_without` names the
    flag without which the input is a rate, from 0 on. `options` tell what each option does that a call can set.
    """

    name: str
    program: Callable[..., Array | tuple[Array, ...]]
    symbols: Mapping[str, str]
    example: str
    heading: Message
    reading: Message
    module: str | None = None
    convex_in: tuple[str, ...] = ()
    is_loss: bool = True
    constant: tuple[str, ...] = ()
    unless_real: str | None = None
    words: tuple[str, ...] = ()
    owner: str = "torch.nn.functional"
    no_floor: Message | None = None
    varied: Message | None = None
    no_curve: Message | None = None
    of_probabilities: bool = False
    rate_without: str | None = None
    options: tuple[Option, ...] = ()

    @property
    def function(self) -> str:
        """torch's qualified name."""
        return f"{self.owner}.{self.name}"
