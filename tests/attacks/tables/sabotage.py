"""Changing what the next snippet will use. Each may run to its end: what counts is the canary after it."""

from tests.attacks.attack import Attack

_ANYHOW = ("finished", "status 0", "status 112", "cpu", "status None")


def _change(story: str, source: str) -> Attack:
    return Attack(story, source, _ANYHOW)


SABOTAGE = {
    "patched loss": _change(
        "Replaces cross entropy for all who come later; they are forked from a zygote that never saw it.",
        "F.cross_entropy = torch.nn.functional.cross_entropy = lambda *a, **k: torch.zeros((), requires_grad=True)",
    ),
    "seeds and types": _change(
        "Changes seeds and the default type; each child is seeded anew and starts with torch's own.",
        "torch.manual_seed(99); np.random.seed(99); torch.set_default_dtype(torch.float64)",
    ),
    "patched builtins": _change(
        "Replaces `len` and the writing of results; it silences itself and nobody else.",
        "import builtins, os; builtins.len = os.write = lambda *a: 0",
    ),
    "forgotten modules": _change(
        "Throws all modules away; they are its own copies.",
        "import gc, sys; sys.modules.clear(); gc.collect()",
    ),
    "shallow recursion": _change(
        "Leaves too little depth for our code after it; what fails of that fails in the child.",
        "import sys; sys.setrecursionlimit(50)",
    ),
    "threads of torch": _change(
        "Asks torch for threads, at which its library would exit; the setting is ignored.",
        "torch.set_num_threads(64)",
    ),
    "compiler": _change(
        "Has torch look for a compiler and a cache; the function comes back as it was.",
        "torch.compile(lambda x: x + 1)(torch.ones(1))",
    ),
    "audit hook": _change(
        "Adds a hook that can't be removed and fails at everything; it dies with its interpreter.",
        "import sys; sys.addaudithook(lambda *a: 1 / 0)",
    ),
    "trace functions": _change(
        "Traces and profiles our code to break it; only its own process is traced.",
        "import sys; sys.settrace(lambda *a: 1 / 0); sys.setprofile(lambda *a: 1 / 0)",
    ),
    "late destructors": _change(
        "Waits for the interpreter's end to act; the process ends without one.",
        "import atexit; atexit.register(print, 1)\nclass D:\n    def __del__(s): emit(b'late')\nkept = D()",
    ),
    "exchanged pipes": _change(
        "Puts the result's pipe in place of its output, so that print forges frames; nonsense ends the job.",
        "import os; os.close(1); os.close(2); os.dup2(3, 1); print('x')",
    ),
    "collector's callbacks": _change(
        "Runs code at each garbage collection; there is none in a dead process.",
        "import gc; gc.set_threshold(1); gc.callbacks.append(lambda *a: 1 / 0)",
    ),
    "broken modules": _change(
        "Breaks modules and gradients for everybody; everybody has their own.",
        "torch.nn.Module.__call__ = torch.Tensor.backward = None; torch.set_grad_enabled(False)",
    ),
    "default device": _change(
        "Sends later tensors to a device without data; the default is per process.",
        "torch.set_default_device('meta')",
    ),
}
