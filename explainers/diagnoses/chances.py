"""A program whose numbers differ from run to run, because nothing seeds what it draws."""

from __future__ import annotations

import ast

from explainers.claims import Claim
from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.expectations import behaves
from explainers.diagnoses.scene import Scene, line_of, short
from explainers.diagnoses.source_edits import Source
from explainers.diagnoses.wording import stated
from explainers.messages import said

_HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
_NET = "net = nn.Linear(3, 2)\nF.mse_loss(net(torch.ones(2, 3)), torch.ones(2, 2))"
_RANDOM = Claim("behaviour", "random", text="different every time")
_MOST_LINES = 6


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="no-seed",
            family="precision",
            title=said("Nothing seeds the random numbers"),
            explanation=said(
                "Layers start from random weights, and randn, randint and shuffling draw new numbers in each run. So "
                "the loss is a number of this run alone; torch.manual_seed(0) before the first draw makes all runs "
                "alike (numpy and Python's random have seeds of their own)."
            ),
            words=("loss differs on each run", "set a seed for reproducible loss", "random weights different loss"),
            losses=frozenset(),
            trigger=_unseeded,
            positive=_HEAD + _NET,
            positive_claims=(_RANDOM,),
            control=_HEAD + "torch.manual_seed(0)\n" + _NET,
            control_claims=(_RANDOM,),
            dominates=frozenset({"train-mode-noise"}),
            harmless=True,
        ),
    )


def _unseeded(scene: Scene) -> Suspicion | None:
    drawn = [c for c in scene.recording.calls if c.random and not short(c).endswith("dropout")]
    if not scene.recording.random or not drawn or not behaves(scene, "random"):
        return None
    lines = sorted({line_of(c) for c in drawn} - {0})
    source = _seeded(scene)
    return Suspicion(
        at=drawn[0].index,
        verdict=said("{value} is one draw: no seed is set, and random numbers are drawn in line {lines}.",
                     value=stated(scene), lines=", ".join(map(str, lines[:_MOST_LINES]))),
        evidence=(said("Calls that draw: {count}.", count=len(drawn)),),
        trials=(Trial(said("with torch.manual_seed(0) first"), source_rerun(source), "illustration"),),
        fix=fixes.fix(scene, source, "safe", said("Seed once, before the first random number is drawn.")),
    )  # fmt: skip


def _seeded(scene: Scene) -> str:
    """The program that seeds right after its imports."""
    source = Source(scene.recording.source)
    imports = [node for node in source.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    if not imports:
        return f"torch.manual_seed(0)\n{source.text}"
    end = source.piece(imports[-1])[1]
    return source.replaced((end, end), "\ntorch.manual_seed(0)")
