"""The certificate: torch's numbers against enclosures that were computed without it.

Three enclosures must hold (each alone lets some wrong formulas through, together they refused all that were tried):
torch's value in the ball widened by a running rounding-error analysis, every gradient entry in its ball, and the same
call re-run in float64, value and gradient, in its far smaller ball. Beside them the shown steps must compute
themselves again. An enclosure that knows nothing proves nothing, and what torch was not asked is not proven either.

The page's own Python twin is no part of what a certificate needs: not every formula has one, and not every room runs
it. Where it was run and prints a number outside the ball, the derivation is refused.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explainers.derivation import Derivation
from explainers.enclosures import Bounds, Enclosures, Floats, contains, held, overflown
from explainers.forms import Forms
from explainers.graph.arrays import Array
from explainers.graph.nodes import AlignmentSum, Input, topological
from explainers.messages import Message, said
from explainers.recording import Raised, Tensor
from explainers.reruns import FLOAT64, TWIN, VALUE, RerunResult

FAR = 0.05
"""How far from the exact value, relative to it, torch's number is worth a word; bfloat16 alone takes 0.4 % a step."""
MOST_WORDS = 200
"""Characters of an exception's message that are told."""
SHOWN_OTHERWISE = said("the program showed another value than torch gives for these numbers")
"""Why a value is refused that torch, asked again where the program never ran, does not give."""
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

    `enclosure` holds torch's value by the error analysis (for an array: of the element that is farthest from its exact
    value, where one is far, else of the first), as outward decimal strings; `error_bound` is its radius and `error` how
    far torch is from the exact value, `exact`.
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
    def off_by_rounding(self) -> bool:
        """Whether the formula is right and torch's number is far from it: another number or none, by more than the
        few roundings that any program makes (overflow or underflow on the way, cancellation, a coarse dtype)."""
        float64 = any(check.name == FLOAT64 and check.passed for check in self.checks)
        if not float64 or self.exact is None or self.torch is None or not math.isfinite(self.exact):
            return False
        return not abs(self.torch - self.exact) <= FAR * abs(self.exact)

    @property
    def certified(self) -> bool:
        """Whether every part passed."""
        return self.verdict == "certified"


def unproven(*reasons: Message) -> Proof:
    """What cannot be proven is said to be unproven."""
    return Proof("not-applicable", reasons=reasons)


def prove(
    forms: Forms, balls: Enclosures, derivation: Derivation, results: Mapping[str, RerunResult], recorded: Tensor
) -> Proof:
    """The proof of one value from the reruns that a child of ours made of it."""
    rerun, upcast = results.get(VALUE), results.get(FLOAT64)
    if rerun is None or rerun.value is None:
        return unproven(_why(rerun))
    subject, native, exact = forms.composition.subject, balls.native, balls.exact
    both_refused = rerun.raised is not None and upcast is not None and upcast.raised is not None
    value = _laid(rerun.value.array(), subject)
    checks = (
        _value(value, native, recorded, subject),
        _gradient(forms, balls.gradients, rerun, balls.float64_gradients),
        _float64(forms, balls, upcast, of_value_alone=both_refused),
        _steps(derivation, native),
        _twin(results.get(TWIN), native, balls.float64, _room_of_script(forms)),
    )
    return _judged(checks, value, native, exact, ("twin", "gradient") if rerun.raised else ("twin",))


def _judged(
    checks: tuple[Check, ...], value: Floats, native: Bounds, exact: Bounds, spare: Collection[Name] = ("twin",)
) -> Proof:
    """The verdict; `spare` are the parts without which it stands: the script, and a gradient that torch refuses."""
    needed = all(check.passed for check in checks if check.name not in spare)
    refused = any(check.passed is False for check in checks)
    verdict = "refused" if refused else "certified" if needed else "not-applicable"
    reasons = tuple(check.reason for check in checks if check.passed is not True and check.reason)
    if not value.size:
        return Proof(verdict, checks, reasons=reasons)
    k = _telling(value, exact)
    (low, high), (least, most), torch = _at(native, value, k), _at(exact, value, k), float(value.ravel()[k])
    middle = 0.0 if least <= 0 <= most else (least + most) / 2
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
    inside = contains(native, value)
    if not inside:
        return Check(
            "value", inside, _outside(inside, said("torch's value lies outside the enclosure"), recorded.dtype)
        )
    if recorded.data is None:
        return Check("value", False, said("the program's own value was not recorded"))
    same = contains(native, _laid(recorded.array(), subject))
    return Check("value", same, _outside(same, SHOWN_OTHERWISE, recorded.dtype))


def _outside(inside: bool | None, wrong: Message, dtype: str) -> Message | None:
    """Why a check of an enclosure in a dtype did not pass."""
    return None if inside else wrong if inside is False else _unknown(dtype)


def _unknown(dtype: str) -> Message:
    return said("its bounds are infinite here: in {dtype} a step may overflow or divide by 0", dtype=dtype)


def _gradient(
    forms: Forms, found: tuple[Bounds, ...], rerun: RerunResult, finer: tuple[Bounds, ...] | None = None
) -> Check:
    """Every gradient that was asked for; one that torch does not have must be 0 by the formula.

    What lies outside is asked of the bounds without an overflow of our own order too, where `finer` ones are given.
    """
    if not forms.as_run:
        return Check("gradient", True)
    if rerun.raised:
        return Check("gradient", None, said("torch's own backward stops with {type}", type=worded(rerun.raised)))
    inside: dict[Input, bool | None] = {}
    for (x, node), bounds, exact in zip(forms.as_run.items(), found, finer or found, strict=True):
        lies = held(x, node.axes, bounds, rerun.gradients)
        inside[x] = held(x, node.axes, overflown(bounds, exact), rerun.gradients) if lies is False else lies
    wrong = next((x for x, lies in inside.items() if lies is False), None)
    if wrong is not None and not any(x.tensor in rerun.gradients for x in forms.as_run):
        return Check("gradient", None, said("torch gave no gradient to compare"))
    if wrong is not None:
        return Check("gradient", False, _misplaced(wrong, rerun))
    if None in inside.values():
        return Check("gradient", None, _unknown(forms.composition.root.dtype))
    return Check("gradient", True)


def worded(raised: Raised) -> str:
    """An exception by its type and the first line of its message."""
    line = raised.message.partition("\n")[0]
    return f"{raised.type}: {line if len(line) <= MOST_WORDS else line[:MOST_WORDS] + '…'}"


def _misplaced(x: Input, rerun: RerunResult) -> Message:
    if x.tensor in rerun.gradients:
        return said("torch's gradient for {symbol} lies outside its enclosure", symbol=x.symbol)
    return said("torch has no gradient for {symbol} where the formula has one", symbol=x.symbol)


def _float64(forms: Forms, balls: Enclosures, rerun: RerunResult | None, *, of_value_alone: bool) -> Check:
    """Value and gradient in float64; the value alone where torch refuses this backward in any dtype."""
    if rerun is None or rerun.value is None:
        return Check("float64", None, _why(rerun))
    inside = contains(balls.float64, _laid(rerun.value.array(), forms.composition.subject))
    if not inside:
        return Check(
            "float64", inside, _outside(inside, said("the float64 re-run lies outside its enclosure"), "float64")
        )
    if of_value_alone:
        return Check("float64", True)
    gradient = _gradient(forms, balls.float64_gradients, rerun)
    return Check("float64", gradient.passed, gradient.reason)


def _steps(derivation: Derivation, native: Bounds) -> Check:
    """A step without numbers (an infinite or nan one) proves nothing, but does not spoil what another one proves.

    Where the value itself is certainly infinite or nan, or has no elements, there may be no number to compute again.
    """
    held = derivation.holds()
    wrong = next((k for k, agreed in enumerate(held, start=1) if agreed is False), None)
    if wrong is not None:
        return Check("steps", False, said("step {number} does not compute itself again", number=wrong))
    if True not in held and native[0].size and np.isfinite(native).all():
        return Check("steps", None, said("no step has finite numbers to compute again"))
    return Check("steps", True)


def _room_of_script(forms: Forms) -> float:
    """What the script may lose at once: of alignments it adds up probabilities, of which torch has the logarithms."""
    return 2.0**-40 if any(isinstance(node, AlignmentSum) for node in topological(forms.composition.root)) else 0.0


def _twin(rerun: RerunResult | None, native: Bounds, float64: Bounds, room: float) -> Check:
    """The twin prints one number; it works in float64, so the ball of the program's own dtype must hold it, or that of
    float64 where the program's dtype overflows or loses everything on the way."""
    if rerun is None or rerun.raised is not None or not native[0].size:
        return Check("twin", None)
    if rerun.recording is None:
        return Check("twin", None, _why(rerun))
    try:
        printed = float(rerun.recording.stdout.strip())
    except ValueError:
        return Check("twin", None, said("the page's script printed no number"))
    slack = abs(printed) * 2.0**-40 + room if math.isfinite(printed) else 0.0
    inside = None
    for low, high in (_first(native), _first(float64)):
        inside = contains((np.asarray(low - slack), np.asarray(high + slack)), np.asarray(printed))
        if inside:
            break
    low, high = _first(native)
    if inside is False and not math.isfinite(low + high):
        return Check("twin", None, said("the page's script does not overflow where torch does"))
    return Check("twin", inside, _outside(inside, said("the page's own Python prints another number"), "float64"))


def _laid(values: npt.NDArray[Any], subject: Array) -> Floats:
    """torch's array with its dimensions in the order of the root's axes."""
    sized = values.astype(np.float64).reshape(tuple(axis.size for axis in subject.axes))
    return sized.transpose([subject.axes.index(axis) for axis in subject.node.axes])


def _telling(value: Floats, exact: Bounds) -> int:
    """The element that is farthest from its exact value, relative to that, where one is far; else the first."""
    low, high, held = np.broadcast_arrays(*exact, value)
    with np.errstate(all="ignore"):
        middle = np.where((low <= 0) & (high >= 0), 0.0, 0.5 * low + 0.5 * high)
        off = np.where(np.isfinite(middle), np.nan_to_num(np.abs(held - middle), nan=np.inf), 0.0)
        far = np.where(off > FAR * np.abs(middle), off / np.abs(middle), 0.0)
    return int(np.argmax(np.nan_to_num(far, nan=0.0, posinf=np.inf)))


def _at(bounds: Bounds, value: Floats, k: int) -> tuple[float, float]:
    low, high = (np.broadcast_to(end, value.shape).ravel()[k] for end in bounds)
    return float(low), float(high)


def _first(bounds: Bounds) -> tuple[float, float]:
    return float(bounds[0].ravel()[0]), float(bounds[1].ravel()[0])


def _why(rerun: RerunResult | None) -> Message:
    if rerun is None:
        return said("torch was not asked again")
    if rerun.raised:
        return said("run again, torch raises {type}", type=rerun.raised.type)
    return said("it was not run again ({reason})", reason=rerun.not_run or "?")
