"""Drawing needs no write and no file beyond this package, so it works behind a lock."""

import subprocess
import sys
from pathlib import Path

import pytest

from explainers import cards

PACKAGE = Path(cards.__file__).parents[1]
LOCKED = """
import ctypes, os, struct, sys
import sympy
from explainers.cards.card import Card, Chain, Code, Math, Step, Value
from explainers.cards.render import Renderer

chain = Chain(sympy.Symbol("ell"), (("=", sympy.log(2 + sympy.E) - 1),))
card = Card(("なぜ",), Value("loss", "0.5514"), (Step(("a", Code("b"), Math(sympy.pi)), chain),), locale="ja")
renderer = Renderer()  # reads templates, catalogues and fonts; nothing is compiled yet
CREATE, ADD, RESTRICT, NO_NEW_PRIVS, BENEATH = 444, 445, 446, 38, 1
libc = ctypes.CDLL(None, use_errno=True)
handled = (1 << 13) - 1  # every file right of Landlock's first version: read, write, make, remove, execute
ruleset = libc.syscall(CREATE, ctypes.create_string_buffer(struct.pack("Q", handled), 8), 8, 0)
if ruleset < 0:
    sys.exit(77)
folder = os.open(sys.argv[1], os.O_PATH)
rule = ctypes.create_string_buffer(struct.pack("=Qi", (1 << 2) | (1 << 3), folder), 12)  # read file, read folder
assert libc.syscall(ADD, ruleset, BENEATH, rule, 0) == 0
libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
assert libc.syscall(RESTRICT, ruleset, 0) == 0
try:
    open("/etc/hostname")
except PermissionError:
    pass
else:
    raise SystemExit("the lock does not hold")
for png in (renderer.draw(card), renderer.draw_full(card)):
    assert png.startswith(b"\\x89PNG")
print("drawn")
"""


def test_cards_are_drawn_with_nothing_but_this_package_readable() -> None:
    command = [sys.executable, "-c", LOCKED, str(PACKAGE)]
    run = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    if run.returncode == 77:
        pytest.skip("this kernel has no Landlock to lock the folders with")
    assert run.stdout == "drawn\n", run.stderr
