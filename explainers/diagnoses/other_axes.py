"""A call that works along another axis than the asker reckons with, or rounds a quotient down."""

from __future__ import annotations

from collections.abc import Iterator

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import followed_by, graph_rerun, set_to, swapped
from explainers.diagnoses.expectations import goals
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.wording import number, shape, stated
from explainers.messages import said
from explainers.recording import Call

_HEAD = "import torch\nfrom torch import nn\n\n"
_PAIR = "a = torch.tensor([[1.0, 2.0], [3.0, -1.0]])\nb = torch.tensor([[2.0, 4.0], [-3.0, 1.0]])\n"
_ALONG = frozenset({"cosine_similarity", "sum", "mean", "norm", "vector_norm", "pairwise_distance", "softmax",
                    "log_softmax", "logsumexp", "max", "min", "amax", "amin", "prod", "std", "var", "normalize",
                    "cumsum"})  # fmt: skip
_WHOLE = frozenset({"norm", "vector_norm"})
_MOST_CALLS = 3


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="along-another-axis",
            family="shapes",
            title=said("It works along another axis"),
            explanation=said(
                "dim= names the axis that is worked along and disappears: 0 goes down the rows of a matrix, one number "
                "per column; 1, or -1, goes along each row. Without dim all entries are taken as one vector."
            ),
            words=("wrong dim argument loss", "cosine similarity dim 0 or 1", "norm per row or of the whole matrix"),
            losses=frozenset(),
            trigger=_otherwise,
            positive=_HEAD + _PAIR + "1 - nn.CosineSimilarity(dim=0)(a, b).mean()",
            positive_claims=(Claim("expected", 1.0, 5e-5, "1.0000"),),
            control=_HEAD + _PAIR + "1 - nn.CosineSimilarity(dim=1)(a, b).mean()",
            control_claims=(Claim("expected", 1.0, 5e-5, "1.0000"),),
            unedited="The axis may be written in the call, in a module or in a variable.",
        ),
        Rule(
            slug="quotient-rounded-down",
            family="precision",
            title=said("// rounds the quotient down"),
            explanation=said(
                "// is the quotient without its fraction: 7 // 10 is 0. / of whole numbers gives a real one in Python "
                "3 and in torch."
            ),
            words=("integer division gives 0", "accuracy 0 floor division", "// instead of /"),
            losses=frozenset(),
            trigger=_rounded,
            positive=_HEAD + "right = torch.tensor(7)\nall = torch.tensor(10)\n1 - right // all",
            positive_claims=(Claim("expected", 0.3, 0.05, "0.3"),),
            control=_HEAD + "right = torch.tensor(7)\nall = torch.tensor(10)\n1 - right / all",
            control_claims=(Claim("expected", 0.3, 0.05, "0.3"),),
        ),
    )


def _otherwise(scene: Scene) -> Suspicion | None:
    wanted = [claim.value for claim in goals(scene)]
    if not wanted or 0 in wanted or scene.value is None:  # 0 comes up by accident
        return None
    calls = [c for c in reversed(scene.needed()) if short(c) in _ALONG and c.inputs()]
    trials = [(c, t) for c in calls[:_MOST_CALLS] for t in _trials(scene, c)]
    if not trials:
        return None
    call = trials[0][0]
    sizes = scene.recording.tensors[call.inputs()[0]].shape
    return Suspicion(
        at=call.index,
        verdict=said("{value} is another thing than you expect: the axis that {function} in line {line} works along "
                     "decides it.", value=stated(scene), function=short(call), line=line_of(call)),
        evidence=(said("{function} is given the shape {shape}.", function=short(call), shape=shape(sizes)),),
        trials=tuple(t for _, t in trials),
        fix=fixes.fix(scene, None, "choose", said("Write the axis that is meant: dim=1 goes along each row.")),
        only_proven=True,
    )  # fmt: skip


def _trials(scene: Scene, call: Call) -> Iterator[Trial]:
    """The call along each other axis; of a norm of everything, the mean of those along one."""
    dim, axes = call.argument("dim"), len(scene.recording.tensors[call.inputs()[0]].shape)
    if isinstance(dim, int) and axes == 2:
        other = 1 - dim % axes
        yield Trial(said("with dim={dim} in line {line}", dim=other, line=line_of(call)),
                    graph_rerun(set_to(call, "dim", other)))  # fmt: skip
    elif dim is None and short(call) in _WHOLE and axes == 2:
        edits = set_to(call, "dim", 1), followed_by(call, "torch.mean")
        yield Trial(said("with the norm of each row, averaged"), graph_rerun(*edits))


def _rounded(scene: Scene) -> Suspicion | None:
    call = next((c for c in scene.needed() if short(c) == "floor_divide"), None)
    if call is None or not goals(scene):
        return None
    made = scene.held(call.outputs[0])
    return Suspicion(
        at=call.index,
        verdict=said("{value}: the // in line {line} rounds its quotient down.", value=stated(scene),
                     line=line_of(call)),
        evidence=(said("It gives {result}.", result=number(float(made.reshape(-1)[0]) if made is not None else None)),),
        trials=(Trial(said("with / in its place"), graph_rerun(swapped(call, "torch.div", "input", "other"))),),
        fix=fixes.fix(scene, _with_slash(scene, call), "likely", said("Divide with /.")),
    )  # fmt: skip


def _with_slash(scene: Scene, call: Call) -> str | None:
    """The // of a call written as /."""
    span, text = call.span, scene.recording.source
    if span is None or span.text.count("//") != 1 or text.count(span.text) != 1:
        return None
    return text.replace(span.text, span.text.replace("//", "/"))
