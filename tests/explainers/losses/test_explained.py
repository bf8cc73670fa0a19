"""Whole explanations of drawn calls of every loss: torch's value and gradient, certified or with a stated reason."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from explainers import explain
from explainers.explanation import Explanation
from explainers.proof import Proof
from tests.explainers.losses.calls.strategies import Calls, LossCall
from tests.explainers.losses.test_losses import LOSSES, SLOW, is_half, is_real, torchs, torchs_own

EACH = 8
"""Calls of every loss; there are more than thirty of them."""
SPARED = 1
"""Calls of finite numbers, of every loss, that may be left with a stated reason; none of sixty was when this was
measured. What is infinite may be multiplied by what only torch's rounding makes 0, and half precision overflows early.
"""
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
POWER = re.compile(r" × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
NUMBER = re.compile(r"-?\b(?:inf|nan|\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b")


@pytest.mark.parametrize("name", sorted(LOSSES.losses))
def test_a_call_is_explained_as_torch_computes_it(name: str, calls: Calls) -> None:
    unproven: list[tuple[LossCall, Proof]] = []

    @settings(deadline=None, max_examples=EACH, suppress_health_check=SLOW)
    @given(calls[name])
    def holds(call: LossCall) -> None:
        value, gradients = torchs(call)
        found = explained(call)
        proof = found.proof
        assert proof.certified or (proof.verdict == "not-applicable" and proof.reasons), proof
        if not proof.certified and not is_half(call) and all(torch.isfinite(x).all() for x in tensors(call)):
            unproven.append((call, proof))
        assert told(found), str(found)
        assert same(found.value, value), (found.value, value)
        assert found.gradient.keys() <= set(map(its_name, gradients))
        largest = max(
            [1.0, *(float(np.nan_to_num(np.abs(x), posinf=0.0).max(initial=0.0)) for x in gradients.values())]
        )
        room = largest * 16 * max((torch.finfo(x.dtype).eps for x in tensors(call) if is_real(x)), default=0.0)
        for argument, slope in gradients.items():
            own = found.gradient.get(its_name(argument))
            assert own is not None or proof.verdict != "certified" or not np.any(slope), argument
            assert own is None or same(own, slope, room), (argument, own, slope)

    holds()
    assert len(unproven) <= SPARED, unproven


def explained(call: LossCall) -> Explanation:
    """The explanation of a call, with the gradient of every real argument that torch gives one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of the legacy flags and of broadcasts that are meant here
        if call.name == "AdaptiveLogSoftmaxWithLoss":
            return explain(adaptive(call.arguments), call.arguments["input"], call.arguments["target"])
        return explain(torchs_own(call.name), **call.arguments)


def told(found: Explanation) -> bool:
    """Whether the value, of several one, stands in the text, to the three digits that it has at the least."""
    values = np.asarray(found.value, dtype=np.float64).ravel()
    text = POWER.sub(lambda power: f"e{power[1].translate(RAISED)}", str(found)).replace("−", "-")
    shown = np.array([float(each) for each in NUMBER.findall(text)])
    near = [np.isclose(shown, value, rtol=5e-3, atol=0.0, equal_nan=True).any() for value in values]
    return any(near) or not near


def tensors(call: LossCall) -> list[torch.Tensor]:
    """Those among the arguments."""
    return [x for x in call.arguments.values() if isinstance(x, torch.Tensor)]


def adaptive(arguments: Mapping[str, Any]) -> torch.nn.Module:
    """The module that holds these weights; of its own kind it could not have every size of the tails."""
    head, (*cutoffs, classes) = arguments["head_weight"], arguments["cutoffs"]
    bias = arguments.get("head_bias")
    made = torch.nn.AdaptiveLogSoftmaxWithLoss(
        head.shape[1], classes, cutoffs, div_value=1.0, head_bias=bias is not None
    )
    made.head.weight = torch.nn.Parameter(head)
    if bias is not None:
        made.head.bias = torch.nn.Parameter(bias)
    for tail, weights in zip(made.tail, arguments["tail"], strict=True):
        for layer, weight in zip(cast("torch.nn.Sequential", tail), weights, strict=True):
            layer.weight = torch.nn.Parameter(weight)
    return made


def its_name(argument: str) -> str:
    """What an explanation calls an argument: a module's own words for its parameters."""
    found = argument.replace("head_", "head.")
    return f"{found}.weight" if found.startswith("tail.") else found


def same(own: Any, torchs_own: np.ndarray[Any, Any], room: float = 0.0) -> bool:
    """Whether these are the same numbers, infinities and nan among them; lists of nothing have no shape.

    `room` is what sums in another order may lose.
    """
    found = np.asarray(own, dtype=np.float64)
    if not found.size + torchs_own.size:
        return True
    return found.shape == torchs_own.shape and np.allclose(found, torchs_own, rtol=0.0, atol=room, equal_nan=True)
