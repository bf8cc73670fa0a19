"""Explaining in one's own process: a single call, or any torch code of a with-block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional

from explainers import tracing
from explainers.claims import Claim
from explainers.explanation import Explanation, conclude, plan
from explainers.failure import Failure, describe, remember, written
from explainers.frontier import DontKnow
from explainers.reading import Derived, Reading, derive, read, underivable
from explainers.recording import Recording
from explainers.replay import replay_all, rerun_source
from explainers.reruns import TWIN, GraphRerun, RerunResult, SourceRerun
from explainers.tracing.watching import RECORDING

MOST_BYTES = 64 * 2**20
"""What a call may hold in one's own process, where nothing has to cross to another."""


def explain(
    function: Callable[..., Any] | str, *args: object, expected: float | None = None, **kwargs: Any
) -> Explanation:
    """The Explanation of one call: `explain("cross_entropy", logits, target, label_smoothing=0.1)`.

    `function` is a name of torch.nn.functional or torch.nn, a loss module, or a function of one's own. `expected` is
    the value that was hoped for. Raises what torch raises where torch refuses the call; `explain_error` explains it.
    """
    try:
        recording = tracing.record_call(function, *args, max_bytes=MOST_BYTES, **kwargs)
    except Exception as error:
        remember(error, function, args, kwargs)
        raise
    return explained(recording, () if expected is None else (Claim("expected", expected, text=str(expected)),))


def explained(
    recording: Recording, claims: tuple[Claim, ...] = (), namespace: Mapping[str, object] | None = None
) -> Explanation:
    """The Explanation of a recording, its reruns made in this process.

    `namespace` holds the names of a source that is ours; the caller's file is never run over again.
    """
    found, derived = _followed(recording, claims)
    wanted = plan(recording, claims, found).reruns
    replayed = replay_all(recording, [rerun for rerun in wanted if isinstance(rerun, GraphRerun)])
    rerun = tuple(
        rerun_source(rerun, namespace)
        for rerun in wanted
        if isinstance(rerun, SourceRerun) and (rerun.label == TWIN or namespace is not None)
    )
    results: tuple[RerunResult, ...] = (*replayed, *rerun)
    return conclude(recording, claims, results, found, derived)


def _followed(recording: Recording, claims: tuple[Claim, ...]) -> tuple[Reading | DontKnow | None, Derived | None]:
    """The subject's formula and what follows from it; where we fail at that, torch's value stands alone."""
    try:
        found = read(recording)
        return found, derive(recording, claims, found) if isinstance(found, Reading) else None
    except MemoryError:
        raise
    except Exception:
        return underivable(recording), None


def explain_error(error: BaseException) -> Failure:
    """What an exception of torch is about: the call, its arguments with their shapes and dtypes, and torch's words.

    Where the failed expression is torch's own and changes nothing, it is run again alone on the same operands: then
    the Failure has the Explanation with the cause, and a fix of that expression that was run. One that left a `watch`
    block is explained from what the block recorded, and nothing is run again.
    """
    failure = _alone(error)
    watched = getattr(error, RECORDING, None)
    if isinstance(watched, Recording) and (failure.explanation is None or not failure.explanation.diagnoses):
        return replace(failure, explanation=explained(watched))
    return failure


def _alone(error: BaseException) -> Failure:
    """The failure, explained by its expression alone where that can be run again."""
    failure, alone = describe(error), written(error)
    if alone is None:
        return failure
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, **alone[1]}
    recording = tracing.record(alone[0], namespace=names)
    if recording.raised is None and failure.type == TypeError.__name__:  # it gave what has no value, a module
        recording = tracing.record(f"{alone[0]}.detach()", namespace=names)
    elif recording.raised is None or recording.raised.type != failure.type:
        return failure
    return replace(failure, explanation=explained(recording, namespace=names))


class ExplainedRun(tracing.Run):
    """The torch calls of a with-block, explained on request."""

    def explain(self, loss: torch.Tensor, expected: float | None = None) -> Explanation:
        """The Explanation of a tensor that the block made. Raises ValueError for one it did not."""
        claims = () if expected is None else (Claim("expected", expected, text=str(expected)),)
        return explained(self.recording(loss), claims)


def watch(*, max_bytes: int = 8 * 2**20) -> tracing.watch[ExplainedRun]:
    """`with watch() as run: loss = …`, then `run.explain(loss)`."""
    return tracing.watch(max_bytes=max_bytes, run_type=ExplainedRun)
