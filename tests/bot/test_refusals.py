"""Messages that get no explanation, each over a real run: the outcome, and what they are told."""

from typing import Any

import pytest


def code(source: str) -> str:
    """A program that would compute a loss, had it not been stopped before."""
    return f"```py\n{source}\nF.mse_loss(torch.ones(1), torch.ones(1))\n```\nwhy is my loss 0?"


REFUSALS = {
    "endless loop": (code("while True: pass"), "timed-out", "stopped it after 3 s"),
    "asleep": (code("import time\ntime.sleep(60)"), "timed-out", "stopped it after 3 s"),
    "python's memory": (code("x = bytearray(10**10)"), "out-of-memory", "256 MB"),
    "torch's memory": (code("x = torch.zeros(1000, 1000, 1000)"), "out-of-memory", "256 MB"),
    "a file": (code("open('/etc/passwd')"), "forbidden", "(a file: [Errno 13] Permission denied: '/etc/passwd')"),
    "torch writing": (code("torch.save(torch.ones(1), '/tmp/whyloss-x')"), "forbidden", "Permission denied"),
    "a socket": (code("import socket\nsocket.socket()"), "forbidden", "(the network: "),
    "a name on the network": (
        code("import urllib.request\nurllib.request.urlopen('http://example.com')"),
        "forbidden",
        "(the network: ",
    ),
    "a thread": (
        code("import threading\nthreading.Thread(target=print).start()"),
        "forbidden",
        "(a thread: can't start new thread)",
    ),
    "a program": (code("import subprocess\nsubprocess.run(['ls'])"), "forbidden", "(another program: "),
    "a fork": (code("import os\nos.fork()"), "forbidden", "(another process: "),
    "a signal": (code("import os\nos.kill(os.getppid(), 9)"), "forbidden", "(another process: "),
    "native code that traces": (
        code("import ctypes\nctypes.CDLL(None).ptrace(0, 0, 0, 0)"),
        "forbidden",
        "(a system call: ptrace)",
    ),
    "printing": (code("import os\nwhile True: os.write(1, b'x' * 1000)"), "too-large", "printed over 16 KB"),
    "warnings": (code("import sys\nwhile True: sys.stderr.write('x' * 1000)"), "too-large", "warnings and errors"),
    "a file in between": (
        code("try:\n    open('/etc/passwd')\nexcept OSError:\n    pass\nimport socket\nsocket.socket()"),
        "forbidden",
        "(the network: ",
    ),
    "a crash": (code("import ctypes\nctypes.string_at(0)"), "crashed", "(SIGSEGV, Segmentation fault)"),
    "an end in between": (code("import os\nos._exit(0)"), "crashed", "without a result"),
    "a message too long": ("x" * 40_000, "too-large", "40000 bytes"),
    "nothing": ("", "not-a-question", "empty"),
    "small talk": ("good morning everyone, how are you?", "not-a-question", "no question"),
    "no code": ("why is my loss 2.31 in the first epoch of my model?", "needs-input", "send the code"),
    "no target": ("CE of logits [1, 0, 0], why?", "needs-input", "no target"),
    "no value": ("```py\nloss_fn = nn.MSELoss()\n```\nwhy is my loss 2.3?", "needs-input", "computes no loss"),
    "a name that is missing": (
        "```py\nloss = my_loss(output, target)\nprint(loss)\n```\nwhy is my loss 2.3?",
        "needs-input",
        "my_loss",
    ),
}
"""Messages, the outcome, and a part of the verdict in English."""


@pytest.mark.parametrize(("text", "outcome", "said"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_what_gets_no_explanation_is_told_why_in_both_languages(
    text: str, outcome: str, said: str, answer: Any
) -> None:
    english, japanese = [await answer(text, locale=locale) for locale in ("en", "ja")]
    assert (english.outcome, japanese.outcome) == (outcome, outcome)
    assert said in english.verdict
    assert any("\u3040" <= letter <= "\u30ff" for letter in japanese.verdict)
    assert english.text.startswith(english.verdict)
    assert "\n" not in english.verdict
