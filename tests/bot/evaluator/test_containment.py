"""The attacks of `whyloss doctor` in real locked children, and that a wall that is missing is seen."""

from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from bot.evaluator import containment, selfcheck
from bot.evaluator.orders import ZygoteSettings
from bot.evaluator.supervisor import Evaluator, JailBroken

ATTACKS = str(Path(__file__).parents[2] / "attacks")
LAYERS = {
    *("no environment", "own descriptors", "closed to debuggers", "memory limit", "CPU limit", "no process to start"),
    *("no byte to write", "no core dump", "no_new_privs", "no capability", "seccomp filter", "one thread"),
    *("zygote locked", "zygote has one thread"),
}


@pytest_asyncio.fixture
async def examined(plain_settings: ZygoteSettings) -> AsyncGenerator[tuple[Evaluator, selfcheck.Probes]]:
    evaluator = Evaluator(plain_settings, limits=containment.LIMITS, at_once=1)
    yield evaluator, await evaluator.start()
    await evaluator.close()


async def test_every_attack_is_held(examined: tuple[Evaluator, selfcheck.Probes]) -> None:
    found = await containment.attacks(*examined)
    assert [each for each in found if not each.held] == []
    assert len(found) > 40
    assert len({each.name for each in found}) == len(found)


async def test_every_layer_is_seen(examined: tuple[Evaluator, selfcheck.Probes]) -> None:
    found = await containment.layers(*examined)
    assert {each.name for each in found if each.on} == LAYERS


@pytest.mark.parametrize(
    ("ablation", "attempt"),
    [("system_calls", "open a UDP socket"), ("no_environment", "read an environment"), ("memory_limit", "memory")],
)
async def test_a_missing_layer_is_noticed_at_the_start(
    ablation: str, attempt: str, plain_settings: ZygoteSettings
) -> None:
    """The zygote is made to leave a layer out; the evaluator must not start with it."""
    settings = msgspec.structs.replace(
        plain_settings, warm_up=f"ablations:{ablation}", python_path=(*plain_settings.python_path, ATTACKS)
    )
    evaluator = Evaluator(settings, limits=containment.LIMITS, at_once=1)
    with pytest.raises(JailBroken) as broken:
        await evaluator.start()
    assert broken.value.probes is not None
    assert attempt in " ".join(broken.value.probes.broken)
    assert any(not each.held for each in containment.refusals(broken.value.probes))
