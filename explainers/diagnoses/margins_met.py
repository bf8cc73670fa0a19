"""A hinge that is written by hand and 0: every margin is met, which is no dead unit."""

from __future__ import annotations

from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import graph_rerun, wrapped
from explainers.diagnoses.scene import VIEWS, Floats, Scene, is_library_loss, line_of, short, upstream
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\n\na = torch.tensor([[0.0, 0.1], [3.0, 3.0]], requires_grad=True)\n"
_TRIPLET = "d = torch.cdist(a, a)\ntorch.relu(d[0, 0] - d[0, 1] + {}).mean()"
_PUTTING_TOGETHER = frozenset({*VIEWS, "mean", "sum", "mul", "div", "getitem", "stack", "cat", "add", "square", "pow"})


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="own-margins-met",
            family="collapse",
            title=said("Every margin of a hinge of one's own is met"),
            explanation=said(
                "A hinge costs something only where a margin is not met. Where it is met everywhere the loss is "
                "exactly 0, and so is its gradient: nothing is dead, but these items teach nothing more. What helps "
                "are harder items (mining, a larger batch) or a larger margin, not another activation."
            ),
            words=(
                "triplet loss is 0 from the start",
                "own hinge loss is exactly zero",
                "relu of the margin is 0 and nothing trains",
            ),
            losses=frozenset(),
            about=frozenset({"triplet_margin_loss"}),
            trigger=_met,
            positive=_HEAD + _TRIPLET.format("0.5"),
            control=_HEAD + _TRIPLET.format("5.0"),
            handwritten=True,
            harmless=True,
        ),
    )


def _met(scene: Scene) -> Suspicion | None:
    found = next(((call, x) for call in scene.needed() if (x := _cut(scene, call)) is not None), None)
    if found is None or scene.value != 0 or not is_outermost(scene, found[0]):
        return None
    call, x = found
    larger = -2 * float(x.max()) + 1e-3
    return Suspicion(
        at=call.index,
        verdict=said("{value} is right: every margin in line {line} is met, and the gradient is 0.",
                     value=stated(scene), line=line_of(call)),
        evidence=(
            said("What is cut off at 0 is {top} at most: the nearest margin is met by {room}.",
                 top=number(float(x.max())), room=number(-float(x.max()))),
        ),
        trials=(
            Trial(said("with a margin larger by {more}", more=number(larger)),
                  graph_rerun(wrapped(call, "input", "torch.add", other=larger)), "illustration"),
        ),
    )  # fmt: skip


def _cut(scene: Scene, call: Call) -> Floats | None:
    """What a call cuts off at 0, a difference that is negative throughout."""
    low = (
        call.argument("min") if short(call) in ("clamp", "clip", "clamp_min") else 0 if short(call) == "relu" else None
    )
    id = call.ref("input")
    made, held = scene.maker(id), scene.held(id)
    apart = made is not None and short(made) in ("add", "sub", "rsub")
    return held if low == 0 and apart and held is not None and held.size and bool((held <= 0).all()) else None


def is_outermost(scene: Scene, call: Call) -> bool:
    """Whether a hinge that is 0 is the whole of a loss of 0: nothing but means, sums and factors comes after it."""
    if scene.value != 0 or _cut(scene, call) is None:
        return False
    made = [c for c in scene.needed() if c.outputs and c is not call]
    after = [c for c in made if call in upstream(c.outputs[0], scene.makers)]
    return all(short(c) in _PUTTING_TOGETHER and not is_library_loss(c, scene.registry) for c in after)
