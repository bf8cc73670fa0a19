"""What ctc_loss refuses of its lengths and its blank, whether the lengths are a tensor or a tuple of numbers."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from explainers.diagnoses import fixes
from explainers.diagnoses.alignments import lengths
from explainers.diagnoses.diagnosis import Rule, Suspicion
from explainers.diagnoses.operands import known_as, replaced, written
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.wording import number, shape
from explainers.messages import Message, said
from explainers.recording import Items

_HEAD = (
    "import torch\nimport torch.nn.functional as F\n\n"
    "z = torch.tensor([[[0.6, 0.5, -1.0]], [[0.2, 0.7, -0.3]]]).log_softmax(2)\n"
)
_LENGTHS = ("input_lengths", "target_lengths")


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="ctc-lengths-too-long",
            family="ctc-arguments",
            title=said("A length that is more than there is"),
            explanation=said(
                "input_lengths counts the time steps of each sequence: at most as many as log_probs of shape (T, N, C) "
                "has along axis 0. target_lengths counts its labels: of padded targets (N, S) at most S."
            ),
            words=("Expected input_lengths to have value at most", "input_lengths too long"),
            losses=frozenset({"ctc_loss"}),
            trigger=_too_long,
            positive=_HEAD + "F.ctc_loss(z, torch.tensor([[1]]), torch.tensor([3]), torch.tensor([1]))",
            control=_HEAD + "F.ctc_loss(z, torch.tensor([[1]]), torch.tensor([2]), torch.tensor([1]))",
            concern="exception",
        ),
        Rule(
            slug="ctc-lengths-unlike",
            family="ctc-arguments",
            title=said("The lengths are not one whole number per sequence"),
            explanation=said(
                "ctc_loss wants input_lengths and target_lengths alike: two integer tensors or two tuples, with one "
                "number for each of the N sequences."
            ),
            words=(
                "lengths must be of size batch_size",
                "lengths must be integral",
                "invalid combination of arguments",
            ),
            losses=frozenset({"ctc_loss"}),
            trigger=_unlike,
            positive=_HEAD + "F.ctc_loss(z, torch.tensor([[1]]), (2,), torch.tensor([1]))",
            control=_HEAD + "F.ctc_loss(z, torch.tensor([[1]]), torch.tensor([2]), torch.tensor([1]))",
            concern="exception",
        ),
        Rule(
            slug="ctc-blank-out-of-range",
            family="ctc-arguments",
            title=said("The blank is no class"),
            explanation=said(
                "blank is the index of one of the C classes of log_probs, counted from 0: the class that stands "
                "between labels. It is 0 unless said otherwise; the last one is C − 1."
            ),
            words=("blank must be in label range", "ctc blank index", "ctc blank out of range"),
            losses=frozenset({"ctc_loss"}),
            trigger=_blank,
            positive=_HEAD + "F.ctc_loss(z, torch.tensor([[1]]), (2,), (1,), blank=3)",
            control=_HEAD + "F.ctc_loss(z, torch.tensor([[1]]), (2,), (1,), blank=2)",
            concern="exception",
        ),
    )


def _too_long(scene: Scene) -> Suspicion | None:
    steps, labels = scene.given("log_probs").shape[:1], scene.given("targets").shape
    rooms = {"input_lengths": ("log_probs", steps), "target_lengths": ("targets", labels[1:2])}
    for name, (holder, room) in rooms.items():
        if not (scene.tensor(name) is not None and scene.given(name).floating) and room:
            given = lengths(scene, name)
            if given and max(given) > room[0]:
                return _longer(scene, name, holder, room[0], given)
            if given and min(given) < 0:
                return _negative(scene, name, given)
    return None


def _negative(scene: Scene, name: str, given: list[int]) -> Suspicion:
    tensor = scene.tensor(name)
    text = "{}.clamp(min=0)" if tensor is not None else str(tuple(max(one, 0) for one in given))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{name} holds {value}: a length is never below 0.",
                     name=name if tensor is None else known_as(scene, name), value=number(min(given))),
        evidence=(said("{name} is {values}.", name=name, values=str(tuple(given))),),
        trials=(),
        fix=fixes.fix(scene, replaced(scene, **{name: text}), "choose", said("Find out where it comes from.")),
    )  # fmt: skip


def _longer(scene: Scene, name: str, holder: str, room: int, given: list[int]) -> Suspicion:
    called = name if scene.tensor(name) is None else known_as(scene, name)
    facts = {"name": called, "value": number(max(given)), "other": known_as(scene, holder)}
    told = {"name": facts["other"], "shape": shape(scene.given(holder).shape)}
    if holder == "log_probs":
        verdict = said("{name} holds {value}, but {other} has {steps} time steps.", steps=room, **facts)
        axis = said("{name} has shape {shape}; axis 0 is the time.", **told)
        note = said("Count the time steps that log_probs really has.")
    else:
        verdict = said("{name} holds {value}, but {other} has room for {count} labels.", count=room, **facts)
        axis = said("{name} has shape {shape}; axis 1 holds the labels of a sequence.", **told)
        note = said("Count the labels that the targets really have.")
    changed = _cut(scene, name, room, given)
    return Suspicion(scene.call.index, verdict, (axis,), (), fixes.fix(scene, changed, "choose", note))


def _cut(scene: Scene, name: str, room: int, given: list[int]) -> str | None:
    if scene.tensor(name) is not None:
        return replaced(scene, **{name: f"{{}}.clamp(max={room})"})
    if isinstance(written(scene, name), ast.Tuple | ast.List):
        return replaced(scene, **{name: str(tuple(min(one, room) for one in given))})
    return replaced(scene, **{name: f"tuple(min(n, {room}) for n in {{}})"})


def _unlike(scene: Scene) -> Suspicion | None:
    kinds = {name: scene.tensor(name) for name in _LENGTHS}
    loose = [name for name, tensor in kinds.items() if tensor is None]
    broken = [n for n, tensor in kinds.items() if tensor is not None and (tensor.floating or tensor.dtype == "bool")]
    if broken:
        told = said("{name} is {dtype}, but a length has to be a whole number.", name=known_as(scene, broken[0]),
                    dtype=scene.given(broken[0]).dtype)  # fmt: skip
        return _mended(scene, broken, told, "{}.long()", said("Make the lengths whole numbers."))
    if len(loose) == 1:
        other = next(name for name in _LENGTHS if name not in loose)
        told = said("{name} is no tensor, but {other} is one.", name=loose[0], other=other)
        return _mended(scene, loose, told, "torch.tensor({})", said("Make a tensor of it."))
    fractions = [name for name in loose if _fractions(scene, name)]
    if fractions:
        told = said("{name} is {dtype}, but a length has to be a whole number.", name=fractions[0], dtype="float")
        return _mended(scene, fractions, told, "tuple(int(n) for n in {})", said("Make the lengths whole numbers."))
    return _count(scene)


def _fractions(scene: Scene, name: str) -> bool:
    given = scene.call.argument(name)
    return isinstance(given, Items) and any(isinstance(one, float) for one in given.items)


def _count(scene: Scene) -> Suspicion | None:
    x, y = scene.given("log_probs").shape, scene.given("targets").shape
    items = x[1] if len(x) == 3 else 1
    rooms = {"input_lengths": x[:1], "target_lengths": y[1:2]}
    others = [name for name in _LENGTHS if len(lengths(scene, name)) != items or _is_number(scene, name)]
    if not others:
        return None
    wrong = others[0]
    told = said("{name} has {given} numbers, but there are {items} sequences.",
                name=wrong, given=len(lengths(scene, wrong)), items=items)  # fmt: skip
    note = said("Give one length per sequence, here the whole one.")
    return _mended(scene, others, told, {name: _repeated(scene, name, rooms[name], items) for name in others}, note,
                   "choose")  # fmt: skip


def _is_number(scene: Scene, name: str) -> bool:
    return isinstance(scene.call.argument(name), int)


def _repeated(scene: Scene, name: str, room: tuple[int, ...], items: int) -> str | None:
    """The whole length for every sequence; the one number that was given, where it was."""
    if _is_number(scene, name):
        return f"({{}},) * {items}" if items > 1 else "({},)"
    if not room:
        return None
    as_tensor = scene.tensor(name) is not None
    return f"torch.full(({items},), {room[0]})" if as_tensor else f"({room[0]},) * {items}"


def _mended(
    scene: Scene,
    names: list[str],
    verdict: Message,
    text: str | Mapping[str, str | None],
    note: Message,
    how: fixes.Applicability = "safe",
) -> Suspicion:
    x = scene.given("log_probs").shape
    batch = said("{name} has shape {shape}; axis 1 counts the sequences.",
                 name=known_as(scene, "log_probs"), shape=shape(x))  # fmt: skip
    whole = said("{name} has shape {shape}: a single sequence.", name=known_as(scene, "log_probs"), shape=shape(x))
    changed = replaced(scene, **(dict.fromkeys(names, text) if isinstance(text, str) else text))
    evidence = (batch if len(x) == 3 else whole,)
    return Suspicion(scene.call.index, verdict, evidence, (), fixes.fix(scene, changed, how, note))


def _blank(scene: Scene) -> Suspicion | None:
    classes, blank = scene.given("log_probs").shape[-1], int(scene.option("blank", 0))
    if 0 <= blank < classes:
        return None
    labels = scene.recorded("targets")
    used = set() if labels is None else set(labels.reshape(-1).tolist())
    ends = (classes - 1, 0) if blank in (-1, classes) else (0, classes - 1)
    better = next((end for end in ends if end not in used), ends[0])
    return Suspicion(
        at=scene.call.index,
        verdict=said("blank={value} is out of range: the {count} classes are numbered 0 to {last}.",
                     value=blank, count=classes, last=classes - 1),
        evidence=(
            said("{name} has shape {shape}: its last axis has {count} classes.", name=known_as(scene, "log_probs"),
                 shape=shape(scene.given("log_probs").shape), count=classes),
        ),
        trials=(),
        fix=fixes.fix(scene, fixes.with_option(scene, scene.call, "blank", str(better), 4), "likely",
                      said("Name a class that no target holds.")),
    )  # fmt: skip
