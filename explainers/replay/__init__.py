"""Running recorded calls again, with edits, without ever seeing the source they came from.

A recording comes from a stranger's program: functions are found in a closed table only, tensors are checked against
their shapes, and whatever goes wrong is a result, not an exception.
"""

from __future__ import annotations

import contextlib
import struct
import warnings
from collections.abc import Generator, Iterable, Mapping

import torch

from explainers.recording import Raised, Recording, Tensor
from explainers.replay.machine import MESSAGE_LIMIT, Machine, NotReplayable
from explainers.reruns import NO_VALUE, TWIN, GraphRerun, RerunResult, SourceRerun
from explainers.tracing import record
from explainers.tracing.noting import Noter
from explainers.tracing.values import Unrecorded

__all__ = ["replay", "replay_all", "rerun_source"]


def replay(recording: Recording, rerun: GraphRerun) -> RerunResult:
    """Run again what the subject of a recording needs, with the edits of `rerun`.

    A replay starts from recorded values: of tensors that no recorded call made, of factories, of random or unknown
    calls. `float64` upcasts them all, and every dtype a call asks for. Gradients are those of the sum of the subject;
    where the subject was computed with gradients switched off, they are switched on throughout, else each call runs
    as it was recorded. An id that the subject does not depend on has no gradient in the result.
    """
    try:
        with warnings.catch_warnings(), _default_dtype(torch.float64 if rerun.float64 else torch.float32):
            warnings.simplefilter("ignore")  # the recording has them; a rerun's belong to nobody
            return Machine(recording, rerun).run()
    except (NotReplayable, Unrecorded) as error:
        return RerunResult(rerun.label, not_run=str(error))
    except Exception as error:
        return RerunResult(rerun.label, raised=Raised(type(error).__name__, str(error)[:MESSAGE_LIMIT]))


def replay_all(recording: Recording, reruns: Iterable[GraphRerun]) -> tuple[RerunResult, ...]:
    """Several reruns of one recording, one after the other."""
    return tuple(replay(recording, rerun) for rerun in reruns)


def rerun_source(rerun: SourceRerun, namespace: Mapping[str, object] | None = None) -> RerunResult:
    """Run an edited snippet, with its own Recording; the value is that recording's subject, or what it shows.

    `namespace` holds the names that the snippet finds, as for `record`.
    """
    noter = Noter(rerun.source) if rerun.noted else None
    follow = rerun.label != TWIN  # of the page's own script its number alone is asked
    recording = record(rerun.source, seed=rerun.seed, namespace=namespace, noter=noter, follow=follow)
    value = _shown(recording, rerun.shown)
    if noter is not None:
        return RerunResult(rerun.label, value=value, notes=noter.notes, recording=recording, raised=recording.raised)
    if recording.raised is not None:
        return RerunResult(rerun.label, raised=recording.raised, recording=recording)
    if value is None or value.data is None:
        return RerunResult(rerun.label, not_run=NO_VALUE, recording=recording)
    return RerunResult(rerun.label, value=value, recording=recording)


def _shown(recording: Recording, at: int | None) -> Tensor | None:
    """The subject, or the shown value of this index; a number that no tensor holds as a tensor of its own."""
    if at is None:
        return None if recording.subject is None else recording.tensors[recording.subject]
    if at >= len(recording.shown):
        return None
    shown = recording.shown[at]
    if shown.tensor is not None and shown.tensor in recording.tensors:
        return recording.tensors[shown.tensor]
    return None if shown.number is None else Tensor(-1, (), "float64", False, struct.pack("<d", shown.number))


@contextlib.contextmanager
def _default_dtype(dtype: torch.dtype) -> Generator[None]:
    """What integers divided by integers become."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
