"""`whyloss doctor`: attacks the jail that this machine gives, and says what held, how strong it is, what would help."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

from bot.evaluator import containment, selfcheck
from bot.evaluator.containment import Attack, Layer
from bot.evaluator.strength import Strength, Surroundings, strength
from bot.evaluator.supervisor import Evaluator, JailBroken, snippet_settings
from bot.evaluator.zygote_process import ZygoteFailed
from bot.settings import BELOW_FLOOR, Settings


async def examine(settings: Settings) -> int:
    """Prints the report; 0 where the floor is met and every attack was held, else BELOW_FLOOR."""
    around = Surroundings.here()
    print(_machine(around))
    try:
        probes, layers, attacks = await _tried()
    except JailBroken as broken:
        if broken.probes is None:
            print(f"whyloss: {broken}", file=sys.stderr)
            return BELOW_FLOOR
        probes, layers, attacks = broken.probes, (), containment.refusals(broken.probes)
    except ZygoteFailed as error:
        print(f"whyloss: no jailed process could be started: {error}", file=sys.stderr)
        return BELOW_FLOOR
    found = strength(probes, around)
    print(_table(("layer", "state", "seen by"), _layer_rows(layers, probes, around)))
    print(_table(("attack", "expected", "seen", ""), (_attack_row(each) for each in attacks)))
    held = all(each.held for each in attacks) and bool(layers) and all(each.on for each in layers)
    print(_judgement(found, settings.evaluator.sandbox_floor, attacks))
    return 0 if held and found.reaches(settings.evaluator.sandbox_floor) else BELOW_FLOOR


async def _tried() -> tuple[selfcheck.Probes, tuple[Layer, ...], tuple[Attack, ...]]:
    evaluator = Evaluator(snippet_settings(), limits=containment.LIMITS, at_once=1)
    try:
        probes = await evaluator.start()
        return probes, await containment.layers(evaluator, probes), await containment.attacks(evaluator, probes)
    finally:
        await evaluator.close()


def _machine(around: Surroundings) -> str:
    system = os.uname()
    network = "a network" if around.network else "no network"
    return f"{system.sysname} {system.release} on {system.machine}, user {around.user}, {network}\n"


def _layer_rows(layers: Iterable[Layer], probes: selfcheck.Probes, around: Surroundings) -> Iterable[Sequence[str]]:
    for each in layers:
        yield each.name, "on" if each.on else "OFF", each.seen
    files = "only libraries can be opened" if around.landlock else "no file can be opened instead"
    yield "Landlock", f"version {around.landlock}" if around.landlock else "absent", files
    apart = sorted(name for name, own in probes.namespaces.items() if own != around.namespaces.get(name))
    yield "own namespaces", "on" if apart else "absent", ", ".join(apart) or "an extra, where the kernel allows them"
    own = probes.user != around.user
    yield "own user", "on" if own else "absent", f"child {probes.user}, service {around.user}"
    yield "no network around", "absent" if around.network else "on", "interfaces of the service"


def _attack_row(attack: Attack) -> tuple[str, ...]:
    return attack.name, attack.expected, attack.seen, "PASS" if attack.held else "FAIL"


def _judgement(found: Strength, floor: str, attacks: Sequence[Attack]) -> str:
    held = sum(each.held for each in attacks)
    lines = [f"{held} of {len(attacks)} attacks held."]
    if found.level == "none":
        lines.append("Level: none. No stranger's code may run here:")
    else:
        lines.append(f"Level {found.level}" + (". To raise it:" if found.lacks else ", the highest."))
    lines += [f"  - {each}" for each in found.lacks]
    if found.reaches(floor):
        lines.append(f"The floor, {floor}, is met.")
    else:
        lines.append(f"The floor, {floor}, is not met: whyloss evaluates no code here.")
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(_line(line, widths) for line in lines) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
