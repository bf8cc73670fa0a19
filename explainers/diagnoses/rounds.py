"""What a training program does once a batch that is meant for once an epoch: schedules, and averages over batches."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence

import msgspec

from explainers.diagnoses import fixes
from explainers.diagnoses.diagnosis import Rule, Suspicion, Trial
from explainers.diagnoses.edits import source_rerun
from explainers.diagnoses.expectations import behaves, goals
from explainers.diagnoses.loops import Loop, training_loop
from explainers.diagnoses.operands import rewritten
from explainers.diagnoses.scene import Scene, is_library_loss, short
from explainers.diagnoses.source_edits import Source, last_name
from explainers.diagnoses.wording import number, stated
from explainers.messages import said
from explainers.recording import Call
from explainers.reruns import SourceRerun

_HEAD = "import torch\nimport torch.nn.functional as F\n\n"
_DATA = "x = torch.tensor([[0.5], [-1.0], [2.0], [1.0]])\ny = 2 * x\nw = torch.zeros(1, 1, requires_grad=True)\n"
_OPT = "opt = torch.optim.SGD([w], lr=0.05)\nsched = torch.optim.lr_scheduler.StepLR(opt, step_size=1, gamma=0.1)\n"
_STEP = "        opt.zero_grad()\n        loss.backward()\n        opt.step()\n"
_EPOCHS = (
    "for epoch in range(3):\n    for k in range(4):\n        loss = F.mse_loss(x @ w, y)\n" + _STEP + "{}print(loss)"
)
_TOTAL = (
    "data = torch.tensor([1.0, 2.0, 3.0, 4.0, 9.0])\ntotal = 0.0\nbatches = data.split({})\n"
    "for batch in batches:\n    total += F.mse_loss(batch, torch.zeros_like(batch)).item()\n"
    "print(total / len(batches))\nprint(F.mse_loss(data, torch.zeros(5)))"
)
_PER_EPOCH = frozenset({"StepLR", "MultiStepLR", "ExponentialLR", "LambdaLR", "CosineAnnealingLR", "ReduceLROnPlateau"})
_NEAR = 1e-4
_LEAST_BATCHES = 2


def rules() -> tuple[Rule, ...]:
    """The rules of this family."""
    return (
        Rule(
            slug="scheduler-stepped-each-batch",
            family="training",
            title=said("The learning rate is lowered with every batch, not every epoch"),
            explanation=said(
                "A scheduler counts its own step() calls. Where it is stepped inside the loop over batches, a "
                "step_size of 10 is over after 10 batches, and the learning rate is next to 0 within an epoch. Step "
                "it after the loop over batches, or give its sizes in batches."
            ),
            words=(
                "StepLR scheduler.step() every batch",
                "loss stops decreasing after some epochs scheduler",
                "learning rate decays too fast",
            ),
            losses=frozenset(),
            trigger=_stepped,
            positive=_HEAD + _DATA + _OPT + _EPOCHS.format("        sched.step()\n"),
            control=_HEAD + _DATA + _OPT + _EPOCHS.format("    sched.step()\n"),
        ),
        Rule(
            slug="running-mean-of-batch-means",
            family="reductions",
            title=said("The epoch's loss is a mean of batch means"),
            explanation=said(
                "Each batch counts alike in the mean of the batch means, so the items of a short last batch count "
                "more than the others. Add up each mean times the size of its batch, and divide by the number of all "
                "items. With reduction='sum' the batches' sums are added up and divided by the number of all samples; "
                "what is left at 'mean' is divided by the number of batches, which is the same only where all batches "
                "are full."
            ),
            words=(
                "epoch loss running loss / len(loader)",
                "running_loss differs from loss over the whole dataset",
                "last batch smaller average loss",
                "running loss reduction='sum' divide by the number of samples or of batches",
                "what to divide the running loss of an epoch by",
            ),
            losses=frozenset(),
            trigger=_averaged,
            positive=_HEAD + _TOTAL.format("2"),
            control=_HEAD + _TOTAL.replace("9.0])", "9.0, 1.0])").replace("zeros(5)", "zeros(6)").format("2"),
            harmless=True,
        ),
        Rule(
            slug="batch-means-divided-by-items",
            family="reductions",
            title=said("The sum of batch means is divided by the number of items"),
            explanation=said(
                "loss.item() is the mean over a batch already. So a sum of it over the epoch is divided by the number "
                "of batches, len(loader), for the mean loss; divided by the number of items, len(dataset), it is "
                "smaller by about the batch size. len(dataset) belongs below a sum of loss.item() · len(batch), which "
                "is also right where the last batch is shorter."
            ),
            words=(
                "epoch loss divided by len(dataset) or by len(loader)",
                "train_loss / len(train_loader.dataset) loss.item() too small",
                "average loss divide by the number of batches or of samples",
            ),
            losses=frozenset(),
            trigger=_by_items,
            positive=_HEAD + _TOTAL.format("2").replace("total / len(batches)", "total / len(data)"),
            control=_HEAD + _TOTAL.replace("9.0])", "9.0, 1.0])").replace("zeros(5)", "zeros(6)").format("2"),
            dominates=frozenset({"running-mean-of-batch-means"}),
            harmless=True,
        ),
    )


def _stepped(scene: Scene) -> Suspicion | None:
    loop = training_loop(scene.recording.source) if len(scene.recording.losses) > 1 else None
    outer = None if loop is None else _around(loop)
    step = None if loop is None else _schedule_step(loop)
    if loop is None or outer is None or step is None:
        return None
    statement, kind = step
    changed = _moved_out(loop.source, statement, loop.body)
    value = scene.value
    trial = Trial(said("with {name} stepped once an epoch", name=kind), source_rerun(changed))
    if value is not None and behaves(scene, "not-decreasing", "always-same"):
        trial = Trial(trial.what, trial.rerun, proves=lambda found: found < value)
    rounds = len(scene.recording.losses)
    return Suspicion(
        at=scene.call.index,
        verdict=said("{value}: line {line} steps {name} with every batch, {count} times here, so the learning rate "
                     "falls too fast.", value=stated(scene), line=statement.lineno, name=kind, count=rounds),
        evidence=(said("The loop over batches ends in line {line}.", line=loop.body.end_lineno),),
        trials=(trial,),
        fix=fixes.fix(scene, changed, "likely", said("Step the scheduler after the loop over batches.")),
    )  # fmt: skip


def _around(loop: Loop) -> ast.For | ast.While | None:
    """The loop that the training loop is a round of."""
    loops = (n for n in ast.walk(loop.source.tree) if isinstance(n, ast.For | ast.While))
    return next((n for n in loops if n is not loop.body and any(s is loop.body for s in ast.walk(n))), None)


def _schedule_step(loop: Loop) -> tuple[ast.Expr, str] | None:
    """The statement in the training loop that steps a scheduler of epochs, and its class."""
    made = {t.id: last_name(n.value.func) for n in ast.walk(loop.source.tree) if isinstance(n, ast.Assign)
            and isinstance(n.value, ast.Call) for t in n.targets if isinstance(t, ast.Name)}  # fmt: skip
    for node in loop.body.body:
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="step"))):
                if made.get(name) in _PER_EPOCH:
                    return node, made[name]
            case _:
                pass
    return None


def _moved_out(source: Source, statement: ast.Expr, loop: ast.For | ast.While) -> str:
    """The program with a statement of a loop's body behind the loop."""
    start, end = source.piece(statement)
    _, after = source.piece(loop)
    text = f"\n{' ' * loop.col_offset}{source.text[start:end]}"
    added = source.replaced((after, after), text)
    return Source(added).without_lines(statement) if len(loop.body) > 1 else added


def _averaged(scene: Scene) -> Suspicion | None:
    sizes, changed = _sizes(scene), _weighed(scene)
    shown = [(k, s) for k, s in enumerate(scene.recording.shown) if s.tensor is None and s.number is not None]
    if sizes is None or changed is None or not shown:
        return None
    at, own = shown[0]
    whole = next((s.number for k, s in enumerate(scene.recording.shown) if k != at and s.number is not None), None)
    wanted = [c.value for c in goals(scene) if isinstance(c.value, float) and not c.agrees(own.number or 0.0)]
    whole = next(iter(wanted), whole)
    if whole is None or own.number is None or math.isclose(whole, own.number, rel_tol=_NEAR):
        return None
    rerun = source_rerun(changed)
    rerun = msgspec.structs.replace(rerun, shown=at, label=f"{rerun.label}-{at}")
    return Suspicion(
        at=scene.call.index,
        verdict=said("{mean} averages {count} batch means of unequal size as if they were equal; over all {items} "
                     "items it is {whole}.", mean=number(own.number), count=len(sizes), items=sum(sizes),
                     whole=number(whole)),
        evidence=(said("The batches have {sizes} elements.", sizes=", ".join(map(str, sizes))),),
        trials=(
            Trial(said("with each batch weighed by its size"), rerun,
                  proves=lambda v: math.isclose(v, whole, rel_tol=_NEAR)),
        ),
        fix=fixes.fix(scene, changed, "likely",
                      said("Add up sums and divide once by the number of all items, or weigh each mean by its size.")),
        only_proven=True,
    )  # fmt: skip


def _by_items(scene: Scene) -> Suspicion | None:
    """A shown number that is a sum of batch means divided by the length of something else than the loop's batches."""
    sizes, found = _all_sizes(scene), _divided(scene)
    shown = ((k, s.number) for k, s in enumerate(scene.recording.shown) if s.tensor is None and s.number is not None)
    first = next(shown, None)
    if found is None or first is None or len(sizes) < _LEAST_BATCHES or not all(sizes) or sum(sizes) == len(sizes):
        return None
    source, divisor, end, batch = found
    weighed = rewritten(source, [((end, end), f" * len({batch})")])
    by_batches = rewritten(source, [(source.piece(divisor), str(len(sizes)))])
    at, value = first

    def of_shown(text: str) -> SourceRerun:
        rerun = source_rerun(text)
        return msgspec.structs.replace(rerun, shown=at, label=f"{rerun.label}-{at}")

    return Suspicion(
        at=scene.call.index,
        verdict=said("Beside {value} stands {mean}: the sum of {count} batch means divided by {divisor}, the {items} "
                     "items, not by the number of batches.", mean=number(value), value=stated(scene),
                     count=len(sizes), items=sum(sizes), divisor=source.written(divisor)),
        evidence=(said("The batches have {sizes} elements.", sizes=", ".join(map(str, sizes))),),
        trials=(
            Trial(said("divided by the number of batches, {count}", count=len(sizes)), of_shown(by_batches)),
            Trial(said("with each batch mean times the size of its batch"), of_shown(weighed)),
        ),
        fix=fixes.fix(scene, weighed, "likely",
                      said("Divide by the number of batches, or multiply each mean by the size of its batch.")),
    )  # fmt: skip


def _divided(scene: Scene) -> tuple[Source, ast.expr, int, str] | None:
    """What the sum of the losses is divided by where that is the length of something else than what the loop goes over,
    the place behind the summand, and the variable of the batch."""
    source = Source(scene.recording.source)
    added = [n for n in ast.walk(source.tree) if _adds_item(n)]
    if len(added) != 1 or not isinstance(added[0], ast.AugAssign) or not isinstance(added[0].target, ast.Name):
        return None
    one, name = added[0], added[0].target.id
    batch = _batch_name(source, one)
    loops = [n for n in ast.walk(source.tree) if isinstance(n, ast.For) and any(s is one for s in ast.walk(n))]
    for node in ast.walk(source.tree):
        match node:
            case ast.BinOp(
                op=ast.Div(),
                left=ast.Name(id=left),
                right=ast.Call(func=ast.Name(id="len"), args=[of]) as divisor,
            ) if left == name and batch is not None:
                gone_over = {ast.unparse(n) for n in ast.walk(loops[-1].iter)}
                return None if ast.unparse(of) in gone_over else (source, divisor, source.piece(one.value)[1], batch)
            case _:
                pass
    return None


def _read_means(scene: Scene) -> list[Call]:
    """The calls of the losses of one line that are means and were read as numbers."""
    read = {c.inputs()[0] for c in scene.recording.calls if short(c) == "item" and c.inputs()}
    calls = [c for c in scene.recording.calls if is_library_loss(c, scene.registry) and set(c.outputs) & read]
    return [c for c in calls if c.argument("reduction") == "mean" and c.span == calls[0].span]


def _all_sizes(scene: Scene) -> tuple[int, ...]:
    return tuple(_items(scene, call.ref("target")) for call in _read_means(scene))


def _sizes(scene: Scene) -> tuple[int, ...] | None:
    """The numbers of items of these losses, where they differ."""
    sizes = _all_sizes(scene)
    return sizes if len(set(sizes)) > 1 and all(sizes) else None


def _items(scene: Scene, id: int | None) -> int:
    return 0 if id is None else scene.recording.tensors[id].elements


def _weighed(scene: Scene) -> str | None:
    """`total += loss(a, b).item()` with `* len(b)`, and `total / len(loader)` divided by the number of items."""
    source = Source(scene.recording.source)
    added = [n for n in ast.walk(source.tree) if _adds_item(n)]
    if len(added) != 1:
        return None
    (one,) = added
    assert isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name)
    name = one.target.id
    batch = _batch_name(source, one)
    quotients = [n for n in ast.walk(source.tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div)
                 and isinstance(n.left, ast.Name) and n.left.id == name]  # fmt: skip
    sizes = _counted(source, quotients)
    if batch is None or sizes is None:
        return None
    _, end = source.piece(one.value)
    return rewritten(source, [((end, end), f" * len({batch})"), *((source.piece(n), t) for n, t in sizes)])


def _adds_item(node: ast.AST) -> bool:
    match node:
        case ast.AugAssign(target=ast.Name(), op=ast.Add(), value=ast.Call(func=ast.Attribute(attr="item"))):
            return True
        case _:
            return False


def _batch_name(source: Source, added: ast.AugAssign) -> str | None:
    """A variable of the loop around that holds the batch."""
    loops = [n for n in ast.walk(source.tree) if isinstance(n, ast.For) and any(s is added for s in ast.walk(n))]
    if not loops:
        return None
    names = [n.id for n in ast.walk(loops[-1].target) if isinstance(n, ast.Name)]
    return names[-1] if names else None


def _counted(source: Source, quotients: Sequence[ast.BinOp]) -> list[tuple[ast.expr, str]] | None:
    """`len(loader)` in each quotient as the number of items."""
    found: list[tuple[ast.expr, str]] = []
    for node in quotients:
        match node.right:
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=loader)]):
                text = f"len({loader}.dataset)" if _is_loader(source, loader) else f"sum(map(len, {loader}))"
                found.append((node.right, text))
            case _:
                return None
    return found or None


def _is_loader(source: Source, name: str) -> bool:
    """Whether a variable is made by DataLoader."""
    made = (n for n in ast.walk(source.tree) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call))
    return any(last_name(n.value.func) == "DataLoader" and any(isinstance(t, ast.Name) and t.id == name
               for t in n.targets) for n in made if isinstance(n.value, ast.Call))  # fmt: skip
