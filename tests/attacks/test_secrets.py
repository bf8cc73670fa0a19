"""Looking for the token in what a fork inherits: each search finds one that is planted, and none of the service's."""

from collections.abc import Awaitable, Callable

import pytest

from bot.evaluator import outcomes
from bot.evaluator.limits import Limits

pytestmark = pytest.mark.asyncio(loop_scope="session")

Assault = Callable[..., Awaitable[outcomes.Outcome]]

PATIENT = Limits(wall_seconds=120, cpu_seconds=20, memory_mb=256)
PLANTED = "whyloss-" + "secret-" + "0" * 32

OBJECTS = """
import gc, re
secret = re.compile('[w]hyloss-secret-[0-9a-f]{32}')  # does not match itself
seen, left = set(), gc.get_objects()
while left:
    held = left.pop()
    if id(held) in seen:
        continue
    seen.add(id(held))
    if isinstance(held, (str, bytes)):
        text = held if isinstance(held, str) else held.decode('latin-1')
        found |= set(secret.findall(text))
    elif len(seen) < 10**6:
        left.extend(gc.get_referents(held))
"""
"""Every object that the collector knows, and what those refer to: modules, frames, the zygote's own."""

MEMORY = """
import ctypes, gc, re
secret = re.compile(b'[w]hyloss-secret-[0-9a-f]{32}')
def mapped(page):  # the kernel tells a path that can't be read from one that does not exist
    ctypes.set_errno(0)
    libc.faccessat(-100, ctypes.c_void_p(page), 0, 0)
    return ctypes.get_errno() != 14
def span(address):
    first = last = address & ~4095
    while last - first < 2**26 and mapped(first - 4096):
        first -= 4096
    while last - first < 2**26 and mapped(last + 4096):
        last += 4096
    return first, last + 4096
anchors = [id(bytes(2**20)), ctypes.addressof(ctypes.c_char_p.in_dll(libc, 'environ')),
           ctypes.cast(libc.malloc, ctypes.c_void_p).value, *map(id, gc.get_objects())]
spans, known = [], set()
for address in anchors:
    if address >> 16 not in known:
        spans.append(span(address))
        known.update(range(spans[-1][0] >> 16, (spans[-1][1] >> 16) + 1))
for first, last in spans:
    found |= {each.decode() for each in secret.findall(ctypes.string_at(first, last - first))}
assert sum(last - first for first, last in spans) > 2**25
"""
"""Native reading of the mappings around all objects, the C library and the environment, found without a map of them."""

SEARCHES = {"among Python's objects": OBJECTS, "in raw memory": MEMORY}


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("planted", [True, False])
async def test_the_token_is_in_nothing_that_a_child_inherits(name: str, planted: bool, assault: Assault) -> None:
    before = "planted = ''.join(['whyloss-', 'secret-', '0' * 32])" if planted else ""
    source = f"found = set()\n{before}\n{SEARCHES[name]}\nfor each in found: emit(each.encode())"
    outcome = await assault(source, "finished", limits=PATIENT)
    assert outcome.frames == ((PLANTED.encode(),) if planted else ())


EVERYTHING = """
import sys
for name in sorted(sys.stdlib_module_names):
    try:
        __import__(name)
    except BaseException:
        pass
import os, socket
for attempt in (socket.socket, os.fork, lambda: open('/etc/passwd'), lambda: os.execv('/bin/true', ['true'])):
    try:
        attempt()
    except OSError:
        continue
    emit(b'PWNED')
"""


async def test_no_module_of_the_standard_library_opens_anything(assault: Assault) -> None:
    """All are imported, also those that open a browser or run a test when they are."""
    await assault(EVERYTHING, "finished", limits=PATIENT)
