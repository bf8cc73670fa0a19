"""Looking at all that a child can reach: for the token in what a fork inherits, for a way out in what it may import."""

from bot.evaluator.limits import Limits
from tests.attacks.attack import Attack

PATIENT = Limits(wall_seconds=120, cpu_seconds=20, memory_mb=256)

_OBJECTS = """
import gc, re
secret = re.compile('[w]hyloss-secret-[0-9a-f]{32}')  # does not match itself
seen, left = set(), gc.get_objects()
seen |= {id(seen), id(left)}  # which would be searched for ever
while left:
    held = left.pop()
    if id(held) in seen:
        continue
    seen.add(id(held))
    if isinstance(held, (str, bytes)):
        text = held if isinstance(held, str) else held.decode('latin-1')
        found |= set(secret.findall(text))
    else:
        left.extend(gc.get_referents(held))
"""
"""Every object that the collector knows, and what those refer to: modules, frames, the zygote's own."""

_MEMORY = """
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

SEARCHES = {
    "among Python's objects": Attack(
        "Follows every reference in the interpreter to a token; the zygote was started without one.",
        _OBJECTS,
        ("finished",),
        PATIENT,
    ),
    "in raw memory": Attack(
        "Reads all of its memory for what was freed but not wiped; nothing secret was ever in it.",
        _MEMORY,
        ("finished",),
        PATIENT,
    ),
}
"""Each adds what it finds to the set `found`; the endings are those of a search that went through."""

IMPORTS = {
    "every module": Attack(
        "Imports all of the standard library, in case that one module opens something; none does, nor a way after it.",
        """
import sys
for name in sorted(sys.stdlib_module_names):
    try:
        __import__(name)
    except BaseException:
        pass
import os, socket
done = 0
for attempt in (socket.socket, os.fork, lambda: open('/etc/passwd'), lambda: os.execv('/bin/true', ['true'])):
    try:
        attempt()
        done += 1
    except OSError:
        pass
assert done
""",
        ("AssertionError",),
        PATIENT,
    ),
}
