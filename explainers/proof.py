"""The certificate: torch's numbers against enclosures that were computed without it.

Three enclosures must hold (each alone lets some wrong formulas through, together they refused all that were tried):
torch's value in the ball widened by a running rounding-error analysis, every gradient entry in its ball, and the same
call re-run in float64 in its far smaller ball. Beside them every shown step must compute itself again, and the page's
own Python twin must print a number inside the ball.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explainers.composition import Composition
from explainers.derivation import Derivation
from explainers.derive import Forms
from explainers.graph.arrays import Array
from explainers.graph.enclosure import enclose
from explainers.graph.evaluation import Values
from explainers.graph.nodes import Axes
from explainers.graph.rounding import Rounding
from explainers.losses.registry import Registry
from explainers.messages import Message, said
from explainers.recording import Tensor
from explainers.reruns import FLOAT64, TWIN, VALUE, RerunResult

Floats = npt.NDArray[np.float64]
Bounds = tuple[Floats, Floats]
Name = Literal["value", "gradient", "float64", "steps", "twin"]


@dataclass(frozen=True)
class Check:
    """One part of the certificate: passed, failed, or (None) not possible here, and why."""

    name: Name
    passed: bool | None
    reason: Message | None = None


@dataclass(frozen=True)
class Proof:
    """The verdict with its parts.

    `enclosure` holds torch's value by the error analysis (for an array: of its first element), as outward decimal
    strings; `error_bound` is its radius and `error` how far torch is from the exact value, `exact`.
    """

    verdict: Literal["certified", "refused", "not-applicable"]
    checks: tuple[Check, ...] = ()
    enclosure: tuple[str, str] | None = None
    error_bound: float | None = None
    error: float | None = None
    torch: float | None = None
    exact: float | None = None
    reasons: tuple[Message, ...] = ()

    @property
    def lost_to_rounding(self) -> bool:
        """Whether the formula is right and torch's own number is not: the float64 re-run agrees with it, torch's
        value is infinite or nan, and the exact value is finite."""
        float64 = any(check.name == FLOAT64 and check.passed for check in self.checks)
        finite = self.exact is not None and math.isfinite(self.exact)
        return float64 and finite and self.torch is not None and not math.isfinite(self.torch)

    @property
    def certified(self) -> bool:
        """Whether every part passed."""
        return self.verdict == "certified"


def unproven(*reasons: Message) -> Proof:
    """What cannot be proven is said to be unproven."""
    return Proof("not-applicable", reasons=reasons)


def prove(
    forms: Forms, values: Values, derivation: Derivation, results: Mapping[str, RerunResult], recorded: Tensor
) -> Proof:
    """The proof of one value from the reruns that a child of ours made of it."""
    rerun = results.get(VALUE)
    if rerun is None or rerun.value is None:
        return unproven(_why(rerun))
    subject = forms.composition.subject
    native = enclose((forms.composition.root,), values, Rounding("native"))[0]
    value = _laid(rerun.value.array(), subject)
    checks = (
        _value(value, native, recorded, subject),
        _gradient(forms, values, rerun, Rounding("native")),
        _float64(forms, values, results.get(FLOAT64)),
        _steps(derivation),
        _twin(results.get(TWIN), native),
    )
    return _judged(checks, value, native, enclose((forms.composition.root,), values, Rounding("exact"))[0])


def _judged(checks: tuple[Check, ...], value: Floats, native: Bounds, exact: Bounds) -> Proof:
    needed = all(check.passed for check in checks if check.name != "twin")
    refused = any(check.passed is False for check in checks)
    verdict = "refused" if refused else "certified" if needed else "not-applicable"
    reasons = tuple(check.reason for check in checks if check.passed is not True and check.reason)
    if not value.size:
        return Proof(verdict, checks, reasons=reasons)
    (low, high), torch = _first(native), float(value.ravel()[0])
    middle = sum(_first(exact)) / 2
    return Proof(
        verdict,
        checks,
        (repr(low), repr(high)),
        (high - low) / 2 if math.isfinite(high - low) else None,
        abs(torch - middle) if math.isfinite(torch) and math.isfinite(middle) else None,
        torch,
        middle,
        reasons,
    )


def _value(value: Floats, native: Bounds, recorded: Tensor, subject: Array) -> Check:
    if not contains(native, value):
        return Check("value", False, said("torch's value lies outside the enclosure"))
    if recorded.data is None:
        return Check("value", False, said("the program's own value was not recorded"))
    ran = _laid(recorded.array(), subject)
    same = contains(native, ran)
    forged = said("the program showed another value than torch gives for these numbers")
    return Check("value", same, None if same else forged)


def _gradient(forms: Forms, values: Values, rerun: RerunResult, rounding: Rounding) -> Check:
    wanted = [x for x in forms.as_run if x.tensor in rerun.gradients]
    if not wanted:
        missing = said("torch gave no gradient to compare")
        return Check("gradient", None, missing) if forms.as_run else Check("gradient", True)
    found = enclose(tuple(forms.as_run[x] for x in wanted), values, rounding)
    for x, bounds in zip(wanted, found, strict=True):
        axes = forms.as_run[x].axes
        torch = rerun.gradients[x.tensor].array().astype(np.float64).reshape(tuple(a.size for a in x.axes))
        if not contains((_ordered(bounds[0], axes, x.axes), _ordered(bounds[1], axes, x.axes)), torch):
            return Check(
                "gradient", False, said("torch's gradient for {symbol} lies outside its enclosure", symbol=x.symbol)
            )
    return Check("gradient", True)


def _float64(forms: Forms, values: Values, rerun: RerunResult | None) -> Check:
    if rerun is None or rerun.value is None:
        return Check("float64", None, _why(rerun))
    bounds = enclose((forms.composition.root,), values, Rounding("float64"))[0]
    if not contains(bounds, _laid(rerun.value.array(), forms.composition.subject)):
        return Check("float64", False, said("the float64 re-run lies outside its enclosure"))
    gradient = _gradient(forms, values, rerun, Rounding("float64"))
    return Check("float64", gradient.passed is not False, gradient.reason if gradient.passed is False else None)


def _steps(derivation: Derivation) -> Check:
    held = derivation.holds()
    wrong = next((k for k, agreed in enumerate(held, start=1) if agreed is False), None)
    return Check(
        "steps",
        wrong is None,
        None if wrong is None else said("step {number} does not compute itself again", number=wrong),
    )


def _twin(rerun: RerunResult | None, native: Bounds) -> Check:
    """The twin prints one number; it works in float64, so the ball of the program's own dtype must hold it."""
    if rerun is None or rerun.recording is None or rerun.raised is not None:
        return Check("twin", None, None if rerun is None else _why(rerun))
    try:
        printed = float(rerun.recording.stdout.strip())
    except ValueError:
        return Check("twin", None, said("the page's script printed no number"))
    low, high = _first(native)
    slack = abs(printed) * 2.0**-40 if math.isfinite(printed) else 0.0
    inside = contains((np.asarray(low - slack), np.asarray(high + slack)), np.asarray(printed))
    return Check("twin", inside, None if inside else said("the page's own Python prints another number"))


def contains(bounds: Bounds, value: Floats) -> bool:
    """Whether every element lies in its enclosure; a non-finite one must match in kind, and an enclosure that knows
    nothing holds nothing."""
    low, high = np.broadcast_arrays(*bounds)
    known = np.isnan(low) | np.isfinite(low) | np.isfinite(high) | (low == high)
    inside = np.where(np.isnan(value), np.isnan(low), (low <= value) & (value <= high))
    return bool((known & inside).all())


def _laid(values: npt.NDArray[Any], subject: Array) -> Floats:
    """torch's array with its dimensions in the order of the root's axes."""
    sized = values.astype(np.float64).reshape(tuple(axis.size for axis in subject.axes))
    return sized.transpose([subject.axes.index(axis) for axis in subject.node.axes])


def _ordered(values: Floats, have: Axes, want: Axes) -> Floats:
    """Dimensions in another order, repeated along those they do not vary with."""
    turned = values.transpose([have.index(axis) for axis in want if axis in have])
    return turned.reshape([axis.size if axis in have else 1 for axis in want])


def _first(bounds: Bounds) -> tuple[float, float]:
    return float(bounds[0].ravel()[0]), float(bounds[1].ravel()[0])


def _why(rerun: RerunResult | None) -> Message:
    if rerun is None:
        return said("torch was not asked again")
    if rerun.raised:
        return said("run again, torch raises {type}", type=rerun.raised.type)
    return said("it was not run again ({reason})", reason=rerun.not_run or "?")


def differentiable(composition: Composition, registry: Registry) -> tuple[int, ...]:
    """The ids of the real inputs that torch gives a gradient for; the certificate needs them all."""
    fixed = {
        call.ref(name)
        for call in composition.calls
        if (loss := registry.of(call.function)) is not None
        for name in loss.constant
    }
    return tuple(id for id, array in composition.inputs.items() if array.floating and id not in fixed)
