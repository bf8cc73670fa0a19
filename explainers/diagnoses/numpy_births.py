"""Numbers that stop being finite before torch sees them, in numpy or in plain Python."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import numpy as np

from explainers.dependencies import ancestors
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Finding, Fix, Rule, Suspicion, Trial
from explainers.diagnoses.own_comparing import LABEL
from explainers.diagnoses.scene import Scene
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.turning import is_spoiled
from explainers.diagnoses.wording import entry, number, stated
from explainers.messages import Message, said
from explainers.notes import Note, Notes
from explainers.reruns import SourceRerun

_HEAD = "import numpy as np\nimport torch\nimport torch.nn.functional as F\n\n"
_DATA = "a = np.array([[1.0, 2.0], [{}]])\na = (a - a.mean(axis=0)) / a.std(axis=0)\n"
_LOSS = "x = torch.tensor(a, dtype=torch.float32)\nF.mse_loss(x, torch.ones(2, 2))"
_EPS = 1e-8
_MOST_FIXES = 3
_LOGARITHMS = frozenset({"log", "log2", "log10"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="not-finite-before-torch",
            family="undefined-values",
            title=said("numpy makes nan or inf of it, before torch sees it"),
            explanation=said(
                "numpy warns of a division by 0 or of a logarithm of 0 in a line of its own output and goes on with "
                "inf or nan; torch takes the array as it is, and everything that is computed from it is nan too."
            ),
            words=(
                "numpy nan loss nan",
                "standardised features nan constant column",
                "invalid value encountered in divide then loss nan",
            ),
            losses=frozenset(),
            trigger=_before,
            positive=_HEAD + _DATA.format("1.0, 5.0") + _LOSS,
            control=_HEAD + _DATA.format("3.0, 5.0") + _LOSS,
            concern="non-finite",
        ),
    )


def _before(scene: Scene) -> Suspicion | None:
    """The subject holds nan or inf, and no call of torch made it of finite numbers."""
    recording, subject = scene.recording, scene.recording.subject
    if subject is None or not is_spoiled(recording.tensors.get(subject)) or not _uses_numpy(recording.source):
        return None
    behind = (id for id in ancestors(recording.calls, [subject])[0] if is_spoiled(recording.tensors.get(id)))
    given = [id for id in behind if scene.is_given(id)]
    if not given:
        return None
    name = recording.tensors[given[0]].name or "an array"
    rerun = SourceRerun(LABEL, recording.source, noted=True)
    first, *rest = (*_fixes(scene), Fix((), "choose", said("Keep the array finite before it becomes a tensor.")))
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: {name} holds nan or inf before torch sees it.", value=stated(scene), name=name),
        evidence=(),
        trials=(Trial(said("what each line gives"), rerun, "comparison", reads=lambda notes: _read(scene, notes)),),
        fix=first,
        alternatives=tuple(rest),
        only_proven=True,
    )


def _uses_numpy(source: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id in ("np", "numpy") for n in ast.walk(Source(source).tree))


def _read(scene: Scene, notes: Notes) -> Finding | None:
    """The first expression that gave nan or inf, of operands that are finite."""
    for note in notes.notes:
        held = note.array()
        operands = [notes.notes[k] for k in note.operands]
        if not operands or np.isfinite(held).all() or not all(np.isfinite(o.array()).all() for o in operands):
            continue
        at = tuple(int(k) for k in np.argwhere(~np.isfinite(held))[0]) if held.ndim else ()
        place = notes.places[note.place]
        verdict = said("{value}: {code} in line {line} is {made}, in numpy, before torch sees it.", value=stated(scene),
                       code=place.text, line=place.line, made=number(float(held[at])))  # fmt: skip
        return Finding(verdict, evidence=tuple(_operands(notes, operands, held.shape, at)), line=place.line, keeps=True)
    return None


def _operands(notes: Notes, operands: Sequence[Note], shape: tuple[int, ...], at: tuple[int, ...]) -> Iterator[Message]:
    """What stood at the place: the numbers that it was made of."""
    given = [(notes.places[o.place].target or notes.places[o.place].text, _entry(o, shape, at)) for o in operands]
    values = ", ".join(f"{text} = {number(x)}" for text, x in given if x is not None and text != number(x))
    if values and at:
        yield said("At {place} there is {values}.", place=entry(at), values=values)
    elif values:
        yield said("There {values}.", values=values)


def _entry(note: Note, shape: tuple[int, ...], at: tuple[int, ...]) -> float | None:
    try:
        return float(np.broadcast_to(note.array(), shape)[at])
    except ValueError:
        return None


def _fixes(scene: Scene) -> Iterator[Fix]:
    """A least value in each denominator and under each logarithm outside torch, the first few."""
    source = Source(scene.recording.source)
    found = [f for node in ast.walk(source.tree) if (f := _fix(scene, source, node)) is not None]
    yield from found[:_MOST_FIXES]


def _fix(scene: Scene, source: Source, node: ast.AST) -> Fix | None:
    match node:
        case ast.BinOp(op=ast.Div(), right=over) if not isinstance(over, ast.Constant):
            text = f"({source.written(over)} + {_EPS:g})"
            note = said("Add a small number to the denominator, or leave such entries out.")
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np" | "numpy")) as function, args=[over]) if (
            last_name(function) in _LOGARITHMS
        ):
            text = f"np.maximum({source.written(over)}, {_EPS:g})"
            note = said("Keep what is under the logarithm positive.")
        case _:
            return None
    return fixes.fix(scene, source.replaced(source.piece(over), text), "likely", note)
