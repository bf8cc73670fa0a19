"""Options of losses over single numbers: where they turn linear, what they add, by what they weigh."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from explainers.digits import shown
from explainers.losses.options.option import Numbers, Option, Setting
from explainers.messages import Message, said

_SMALL = 1e-6


def beta() -> Option:
    """beta of smooth_l1_loss."""
    return Option("beta", 1.0, _beta)


def delta() -> Option:
    """delta of huber_loss."""
    return Option("delta", 1.0, _delta)


def steepness() -> Option:
    """beta of softplus."""
    return Option("beta", 1, _linear)


def threshold() -> Option:
    """threshold of softplus."""
    return Option("threshold", 20, _linear)


def weights() -> Option:
    """One weight for each element, by whose sum the mean divides."""
    return Option("weight", None, _weighted)


def plain_weights() -> Option:
    """One weight for each element, which the mean does not divide by."""
    return Option("weight", None, _divided_by_their_number)


def of_elements() -> Option:
    """A weight that broadcasts to the elements, and leaves the divisor."""
    return Option("weight", None, _multiplied)


def of_positives() -> Option:
    """pos_weight."""
    return Option("pos_weight", None, _positives)


def poisson() -> tuple[Option, ...]:
    """log_input, full and eps of poisson_nll_loss."""
    return (Option("log_input", True, _rates), Option("full", False, _stirling), Option("eps", 1e-8, _in_logarithm))


def gaussian() -> tuple[Option, ...]:
    """full, eps and a single number as var of gaussian_nll_loss."""
    return (
        Option("full", False, _constant),
        Option("eps", _SMALL, _clamped, always=True),
        Option("var", None, _one_variance),
    )


def logarithms() -> Option:
    """log_target of kl_div."""
    return Option("log_target", False, _logarithms)


def _differences(set_: Setting) -> Numbers | None:
    x, y = set_.numbers("input"), set_.numbers("target")
    if x is None or y is None:
        return None
    try:
        return np.abs(x - y)
    except ValueError:
        return None


def _beta(set_: Setting) -> Iterator[Message]:
    if set_.number == 0:
        yield said(
            "With beta=0 there is no quadratic part: torch computes exactly l1_loss, and nothing is divided by beta."
        )
        return
    found = _differences(set_)
    if found is not None:
        yield said(
            "beta={beta}: {within} of {count} differences d are below it and give d²/(2 · {beta}); the others give "
            "|d| − {half}, with slope 1. beta=0 would be l1_loss; torch refuses a negative one.",
            beta=f"{set_.number:g}",
            within=int((found < set_.number).sum()),
            count=found.size,
            half=shown(set_.number / 2),
        )


def _delta(set_: Setting) -> Iterator[Message]:
    found = _differences(set_)
    if found is not None:
        yield said(
            "delta={delta}: {within} of {count} differences d are up to it and give d²/2; the others give "
            "{delta} · (|d| − {half}), with slope {delta}. That is {delta} times smooth_l1_loss with beta={delta}; "
            "delta has to be above 0.",
            delta=f"{set_.number:g}",
            within=int((found <= set_.number).sum()),
            count=found.size,
            half=shown(set_.number / 2),
        )


def _linear(set_: Setting) -> Iterator[Message]:
    given = [set_.call.argument(name) for name in ("beta", "threshold")]
    steep, end = (float(x) if isinstance(x, int | float) else math.nan for x in given)
    x = set_.numbers("input")
    if x is None or not steep > 0 or math.isnan(end):
        return
    with np.errstate(over="ignore"):
        jump = float(np.logaddexp(0.0, -end)) / steep
    yield said(
        "softplus gives the input itself where input · beta > threshold, that is past threshold/beta = "
        "{end}/{beta} = {at}: {linear} of {count} inputs. The formula goes on a little above the input there, so its "
        "value drops by log(1 + e^-{end})/{beta} = {jump} at that place; the default threshold=20 makes that too small "
        "to see.",
        end=shown(end),
        beta=shown(steep),
        at=shown(end / steep),
        linear=int((x * steep > end).sum()),
        count=x.size,
        jump=shown(jump),
    )


def _weighted(set_: Setting) -> Iterator[Message]:
    given, sizes = set_.numbers("weight"), set_.sizes
    if given is not None and sizes == given.shape and set_.is_averaged:
        yield said(
            "weight multiplies element by element, and the mean divides by the sum of the weights, {total}, not by the "
            "{count} elements.",
            total=shown(float(given.sum())),
            count=given.size,
        )


def _divided_by_their_number(set_: Setting) -> Iterator[Message]:
    if set_.tensor("weight") is not None and set_.is_averaged:
        yield said("The mean still divides by the number of elements, not by the sum of the weights.")


def _multiplied(set_: Setting) -> Iterator[Message]:
    given = set_.tensor("weight")
    if given is not None:
        yield said(
            "weight, of shape {shape}, broadcasts against the last axes of {sizes} and multiplies whole terms, those "
            "of targets 1 and of targets 0 alike.",
            shape=str(given.shape),
            sizes=str(set_.sizes),
        )
        yield from _divided_by_their_number(set_)


def _positives(set_: Setting) -> Iterator[Message]:
    given, target, held = set_.numbers("pos_weight"), set_.numbers("target"), set_.tensor("pos_weight")
    if given is None or held is None or not given.size:
        return
    least, most = shown(float(given.min())), shown(float(given.max()))
    yield said(
        "pos_weight, of shape {shape}, is one number for all, or one for each output: it broadcasts against the last "
        "axis of {sizes}. It multiplies the term of positive targets alone, −y · log σ(x), by {numbers}: above 1 a "
        "missed positive costs more.",
        shape=str(held.shape),
        sizes=str(set_.sizes),
        numbers=least if least == most else f"{least} … {most}",
    )
    ones, zeros = (0, 0) if target is None else (int((target == 1).sum()), int((target == 0).sum()))
    if ones and zeros and given.size == 1:
        yield said(
            "Here {zeros} targets are 0 and {ones} are 1: {ratio} would balance them.",
            zeros=zeros,
            ones=ones,
            ratio=shown(zeros / ones),
        )


def _rates(_set: Setting) -> Iterator[Message]:
    yield said("log_input=False reads the input as the rate itself: x − target · log(x + eps), so x must be positive.")


def _stirling(set_: Setting) -> Iterator[Message]:
    target = set_.numbers("target")
    if target is None or not target.size:
        return
    most = float(target.max())
    if most <= 1:
        yield said("full=True adds log(target!) by Stirling's approximation for targets above 1: here there are none.")
        return
    stirling = most * math.log(most) - most + 0.5 * math.log(2 * math.pi * most)
    yield said(
        "full=True adds log(target!) by Stirling's approximation, t log t − t + ½ log(2πt), for targets above 1: for "
        "{most} that is {approximate}, where log({most}!) is {exact}.",
        most=shown(most),
        approximate=shown(stirling),
        exact=shown(math.lgamma(most + 1)),
    )


def _in_logarithm(set_: Setting) -> Iterator[Message]:
    if set_.call.argument("log_input") is False:
        yield said("eps={eps} is added to the rate inside the logarithm, so that a rate of 0 costs no infinity.",
                   eps=f"{set_.number:g}")  # fmt: skip
    else:
        yield said("eps={eps} has no effect: it is only used with log_input=False.", eps=f"{set_.number:g}")


def _constant(_set: Setting) -> Iterator[Message]:
    yield said("full=True adds the constant ½ log 2π ≈ 0.9189 to each element.")


def _clamped(set_: Setting) -> Iterator[Message]:
    var = set_.numbers("var")
    if var is None or not var.size:
        return
    below = int((var < set_.number).sum())
    if below or set_.number != _SMALL:
        yield said(
            "eps is no summand: var is clamped to at least eps={eps}, max(var, eps). Here that changes {below} of "
            "{count} variances.",
            eps=f"{set_.number:g}",
            below=below,
            count=var.size,
        )


def _one_variance(set_: Setting) -> Iterator[Message]:
    if math.isnan(set_.number) or not set_.number > 0:
        return
    yield said(
        "var={var} is one number (a scalar) for all elements: each costs ½ (log {var} + d²/{var}), and ½ log {var} = "
        "{constant} has no gradient. So the loss is mse_loss times {factor}, and that constant. Older versions of "
        "torch took a tensor only, as torch.full_like(input, {var}).",
        var=shown(set_.number),
        constant=shown(0.5 * math.log(set_.number)),
        factor=shown(0.5 / set_.number),
    )


def _logarithms(_set: Setting) -> Iterator[Message]:
    yield said("log_target=True reads the target as log-probabilities too: e^y · (y − x).")
