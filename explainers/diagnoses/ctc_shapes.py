"""What ctc_loss refuses of the shapes of its scores and of its labels."""

from __future__ import annotations

from collections.abc import Iterator

from explainers.diagnoses import fixes
from explainers.diagnoses.alignments import lengths
from explainers.diagnoses.diagnosis import Fix, Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced
from explainers.diagnoses.scene import Scene, Unrecorded
from explainers.diagnoses.wording import shape
from explainers.messages import Message, said

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "z = torch.tensor([[[0.6, 0.5, -1.0]], [[0.2, 0.7, -0.3]]]).log_softmax(2)\n"
)


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ctc-shapes",
            family="ctc-arguments",
            title=said("The scores or the labels of ctc_loss have another shape than it reads"),
            explanation=said(
                "ctc_loss reads log_probs as (T, N, C), time first, or (T, C) for one sequence; its targets as (N, S), "
                "padded, or as one row that holds the labels of all sequences behind each other, as many as the "
                "target_lengths add up to."
            ),
            words=("ctc_loss_allocate_outputs", "Expected tensor to have size at dimension 0 targets",
                   "Expected 1 to 2 dimensions ctc", "ctc batch first"),
            losses=frozenset({"ctc_loss"}),
            trigger=_shapes,
            positive=_HEAD + "F.ctc_loss(z, torch.tensor([1, 2]), (2,), (1,))",
            control=_HEAD + "F.ctc_loss(z, torch.tensor([1]), (2,), (1,))",
            concern="exception",
            dominates=frozenset({"ctc-lengths-too-long", "ctc-lengths-unlike"}),
        ),
    )  # fmt: skip


def _shapes(scene: Scene) -> Suspicion | None:
    x, y = scene.given("log_probs").shape, scene.given("targets").shape
    named = {"name": known_as(scene, "log_probs"), "shape": shape(x)}
    if len(x) not in (2, 3):
        verdict = said("{name} has shape {shape}: ctc_loss reads (T, N, C), or (T, C) for one sequence.", **named)
        return _told(scene, verdict, tuple(_without_an_axis(scene, "log_probs", x)))
    if _is_batch_first(scene, x, y):
        verdict = said("{name} has shape {shape}, with the {items} sequences on axis 0; the time has to come first.",
                       items=x[0], **named)  # fmt: skip
        turned = replaced(scene, log_probs="{}.transpose(0, 1)")
        return _told(scene, verdict, (fixes.fix(scene, turned, "likely", said("Turn it to (T, N, C).")),))
    return _labels(scene, y, x[1] if len(x) == 3 else 1)


def _labels(scene: Scene, y: tuple[int, ...], items: int) -> Suspicion | None:
    counts = _counts(scene)
    if len(y) == 1 and len(counts) == items and sum(counts) != y[0]:
        return _concatenated(scene, y[0], counts)
    if len(y) == 2 and y[0] != items:
        return _other_rows(scene, y, items)
    if len(y) > 2:
        verdict = said("{name} has shape {shape}: labels are (N, S), or one row.",
                       name=known_as(scene, "targets"), shape=shape(y))  # fmt: skip
        return _told(scene, verdict, tuple(_without_an_axis(scene, "targets", y)))
    return None


def _counts(scene: Scene) -> list[int]:
    try:
        return lengths(scene, "target_lengths")
    except Unrecorded:
        return []


def _is_batch_first(scene: Scene, x: tuple[int, ...], y: tuple[int, ...]) -> bool:
    """Whether axis 0 counts what the targets and both lengths count, and axis 1 does not."""
    if len(x) != 3 or x[0] == x[1]:
        return False
    steps = lengths(scene, "input_lengths")
    counted = {y[0] if len(y) == 2 else x[0], len(steps), len(_counts(scene))}
    return counted == {x[0]} and max(steps, default=0) <= x[1]


def _without_an_axis(scene: Scene, name: str, sizes: tuple[int, ...]) -> Iterator[Fix]:
    note = said("Take the axis of length 1 away.")
    for axis in (k for k, size in reversed(list(enumerate(sizes))) if size == 1):
        yield fixes.fix(scene, replaced(scene, **{name: f"{{}}.squeeze({axis})"}), "likely", note)


def _concatenated(scene: Scene, held: int, counts: list[int]) -> Suspicion:
    verdict = said("{name} holds {held} labels, but target_lengths {counts} add up to {wanted}.",
                   name=known_as(scene, "targets"), held=held, counts=str(tuple(counts)),
                   wanted=sum(counts))  # fmt: skip
    if held > sum(counts):
        cut, note = f"{{}}[:{sum(counts)}]", said("The labels beyond are left out; or mend the lengths.")
        return _told(scene, verdict, (fixes.fix(scene, replaced(scene, targets=cut), "choose", note),))
    before = [sum(counts[:k]) for k in range(len(counts))]
    fewer = [max(min(count, held - start), 0) for count, start in zip(counts, before, strict=True)]
    text = f"torch.tensor({fewer})" if scene.tensor("target_lengths") is not None else str(tuple(fewer))
    note = said("Count the labels that the targets really have.")
    return _told(scene, verdict, (fixes.fix(scene, replaced(scene, target_lengths=text), "choose", note),))


def _other_rows(scene: Scene, y: tuple[int, ...], items: int) -> Suspicion:
    verdict = said("{name} of shape {shape} has {rows} rows of labels, but there are {items} sequences.",
                   name=known_as(scene, "targets"), shape=shape(y), rows=y[0], items=items)  # fmt: skip
    if y[0] == 1:
        text, note = f"{{}}.expand({items}, -1)", said("Repeat the labels for every sequence, if all have the same.")
    elif y[1] == items:
        text, note = "{}.T", said("Turn it to (N, S).")
    else:
        text, note = f"{{}}[:{items}]", said("Give one row of labels per sequence.")
    return _told(scene, verdict, (fixes.fix(scene, replaced(scene, targets=text), "choose", note),))


def _told(scene: Scene, verdict: Message, changes: tuple[Fix, ...]) -> Suspicion:
    held = ((name, scene.given(name)) for name in ("log_probs", "targets"))
    return Suspicion(
        at=scene.call.index,
        verdict=verdict,
        evidence=tuple(
            said("{name} is {dtype} of shape {shape}.", name=known_as(scene, name), dtype=tensor.dtype,
                 shape=shape(tensor.shape))
            for name, tensor in held
        ),
        trials=(),
        fix=next(iter(changes), fixes.fix(scene, None, "choose", said("Give it that shape."))),
        alternatives=changes[1:],
    )  # fmt: skip
