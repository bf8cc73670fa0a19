"""Names a snippet needs: which of them we complete, and which nobody defines."""

import ast
import builtins
import functools
import symtable
import sys

from bot.reading.lexing import parsed, symbols
from bot.reading.losses import MODULES, functions
from bot.reading.question import Completion

_IMPORTS = {
    "torch": "import torch",
    "nn": "from torch import nn",
    "F": "import torch.nn.functional as F",
    "optim": "from torch import optim",
    "np": "import numpy as np",
    "numpy": "import numpy",
    "Variable": "from torch.autograd import Variable",
    "autograd": "from torch import autograd",
    "functional": "from torch.nn import functional",
    "array": "from numpy import array",
    "nan": "from math import nan",
    "inf": "from math import inf",
    "partial": "from functools import partial",
    "dataclass": "from dataclasses import dataclass",
}
_FROM = {
    "torch": "tensor Tensor FloatTensor LongTensor DoubleTensor from_numpy manual_seed randn float32 float64 int64 "
    "long no_grad sigmoid arange zeros_like ones_like",
    "torch.nn.functional": "softmax log_softmax logsigmoid one_hot normalize softplus relu",
    "torch.nn": "Linear Sequential Module Softmax LogSoftmax Sigmoid ReLU Parameter",
}
_MODULES = ("math", "random", "copy", "time", "itertools", "functools", "dataclasses", "typing", "warnings", "os")
_NAMES = {"device": 'device = "cpu"', "eps": "eps = 1e-8", "epsilon": "epsilon = 1e-8"}
_PROVIDED = frozenset(("torch", "numpy", *sys.stdlib_module_names))
_BUILTINS = frozenset((*dir(builtins), "__name__", "__file__"))


def _completions() -> dict[str, Completion]:
    table = {name: f"import {name}" for name in _MODULES}
    table |= {name: f"from {module} import {name}" for module, names in _FROM.items() for name in names.split()}
    table |= {name: f"from torch.nn import {name}" for name in MODULES}
    table |= {name: f"from torch.nn.functional import {name}" for name in functions()}
    found = {name: Completion("import", name, code) for name, code in (table | _IMPORTS).items()}
    return found | {name: Completion("name", name, code) for name, code in _NAMES.items()}


_TABLE = _completions()


@functools.lru_cache(maxsize=32)
def unbound(source: str) -> tuple[str, ...]:
    """Global names that the source reads and never binds, in order of first mention; () where it does not compile.

    `input` counts when it is read and not called: as a tensor's name it is nearly always the asker's, not Python's.
    """
    tree, table = parsed(source), symbols(source)
    if tree is None or table is None:
        return ()
    wanted, bound = _globals(table)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    reads = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    reads.sort(key=lambda node: (node.lineno, node.col_offset))
    free = [n.id for n in reads if n.id in wanted and _is_free(n, bound, called)]
    return tuple(dict.fromkeys(free))


def _is_free(node: ast.Name, bound: set[str], called: set[int]) -> bool:
    shadowed = node.id == "input" and id(node) not in called
    return node.id not in bound and (node.id not in _BUILTINS or shadowed)


def _globals(table: symtable.SymbolTable) -> tuple[set[str], set[str]]:
    """Names read as globals in any scope, and names bound in the outermost."""
    wanted: set[str] = set()
    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    scopes = [table]
    while scopes:
        scope = scopes.pop()
        scopes += scope.get_children()
        for symbol in scope.get_symbols():
            if symbol.is_global() and symbol.is_assigned():
                bound.add(symbol.get_name())
            if symbol.is_referenced() and (scope is table or symbol.is_global()):
                wanted.add(symbol.get_name())
    return wanted, bound


def completed(names: tuple[str, ...]) -> tuple[tuple[Completion, ...], tuple[str, ...]]:
    """Completions for the names that have a usual meaning, and the names that have none."""
    return (
        tuple(_TABLE[name] for name in names if name in _TABLE),
        tuple(name for name in names if name not in _TABLE),
    )


@functools.lru_cache(maxsize=32)
def foreign_names(source: str) -> tuple[str, ...]:
    """Names that are read and come from modules the sandbox does not have."""
    tree = parsed(source)
    if tree is None:
        return ()
    read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    names: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names += [a.asname or a.name.partition(".")[0] for a in aliases if not _is_provided(a.name)]
            case ast.ImportFrom(module=module, names=aliases) if node.level or not _is_provided(module or ""):
                names += [a.asname or a.name for a in aliases]
            case _:
                pass
    return tuple(name for name in dict.fromkeys(names) if name in read)


def _is_provided(module: str) -> bool:
    return module.partition(".")[0] in _PROVIDED
