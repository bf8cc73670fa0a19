"""One public name per torch function, whichever way it was called.

The folding, in order:

* operators are the function they stand for: `x + y`, `x.__radd__(y)` → `torch.add`; `x += y` → `torch.Tensor.add_`.
  Reflected ones (`1 - x`) have their arguments swapped, so that `input` is always the left operand;
* a method is torch's function of the same name where there is one: `x.softmax(1)` → `torch.softmax`, else it stays
  (`torch.Tensor.view`); so do in-place methods (`torch.Tensor.exp_`, also for `torch.exp_`);
* synonyms are their documented target: `torch.multiply` → `torch.mul`, `torch.special.expit` → `torch.sigmoid`;
* `torch.nn.functional` keeps its names (`torch.nn.functional.cross_entropy`, `….logsigmoid`), except for the few
  that only call torch's own: softmax, log_softmax, relu, sigmoid and tanh are `torch.softmax` and so on;
* a property read is `torch.Tensor.T`, `torch.Tensor.grad`, `torch.Tensor.data`; an assignment to one is
  `torch.Tensor.grad.__set__`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch.overrides import resolve_name

from explainers.tracing.unfolded import ADAPTIVE

_OPERATORS: Final = {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "div": "div", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "pow", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "neg": "neg", "pos": "positive", "abs": "abs", "invert": "bitwise_not",
    "eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge",
}  # fmt: skip
_REFLECTED: Final = frozenset(
    {"add", "sub", "mul", "truediv", "div", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"}
)
_SYNONYMS: Final = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
    "arctan2": "atan2", "arctanh": "atanh", "clip": "clamp", "concat": "cat", "concatenate": "cat", "divide": "div",
    "true_divide": "div", "fix": "trunc", "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le",
    "not_equal": "ne", "moveaxis": "movedim", "multiply": "mul", "negative": "neg", "subtract": "sub",
    "swapaxes": "transpose", "swapdims": "transpose", "special.expit": "sigmoid", "special.softmax": "softmax",
    "special.log_softmax": "log_softmax", "special.logsumexp": "logsumexp", "special.xlogy": "xlogy",
    "special.logit": "logit", "special.expm1": "expm1", "special.log1p": "log1p", "special.exp2": "exp2",
    "special.erf": "erf", "special.erfc": "erfc", "special.round": "round", "spmm": "mm",
    "nn.functional.cross_entropy_loss": "nn.functional.cross_entropy",
    "nn.functional.nll_loss_nd": "nn.functional.nll_loss",
    "special.gammaln": "lgamma", "special.digamma": "digamma", "special.psi": "digamma", "special.i0": "i0",
}  # fmt: skip
_OTHER_ORDER: Final = frozenset({"polygamma"})  # methods whose twin takes its arguments in another order
_PLAIN_ACTIVATIONS: Final = frozenset({"softmax", "log_softmax", "relu", "sigmoid", "tanh"})
_TOLD_PROPERTIES: Final = frozenset({"T", "mT", "H", "mH", "grad", "data", "real", "imag"})
_SILENT_METHODS: Final = frozenset({
    "size", "dim", "ndimension", "numel", "nelement", "__len__", "stride", "storage_offset", "element_size",
    "data_ptr", "get_device", "is_contiguous", "is_complex", "is_floating_point", "is_signed", "is_inference",
    "is_shared", "is_pinned", "is_conj", "is_neg", "is_same_size", "is_set_to", "has_names", "storage",
    "untyped_storage", "__hash__", "__repr__", "__format__", "__dir__", "retain_grad", "register_hook",
    "__reduce_ex__", "__dlpack_device__",
})  # fmt: skip
_SILENT_FUNCTIONS: Final = frozenset({
    "torch.numel", "torch.is_complex", "torch.is_floating_point", "torch.is_nonzero", "torch.is_conj",
    "torch.is_neg", "torch.is_inference", "torch.is_signed", "torch.is_same_size", "torch.is_tensor",
    "torch.result_type", "torch.can_cast", "torch._C._set_grad_enabled", "torch.get_device",
})  # fmt: skip
RENDERED: Final = frozenset({"torch.Tensor.__repr__", "torch.Tensor.__format__"})


def raw_name(function: Callable[..., Any]) -> str:
    """torch's dotted name of a function as it arrives at a TorchFunctionMode."""
    name = resolve_name(function)
    if name is None:
        name = f"{getattr(function, '__module__', '')}.{getattr(function, '__name__', type(function).__name__)}"
    return name.replace("torch.functional.", "torch.").replace("torch._C._nn.", "torch.nn.functional.")


def is_silent(name: str) -> bool:
    """Whether a call by this raw name only asks for a shape, a dtype or a text, which no derivation needs."""
    owner, _, last = name.rpartition(".")
    if last == "__get__":
        return owner.rpartition(".")[2] not in _TOLD_PROPERTIES
    if owner == "torch.Tensor":
        return last in _SILENT_METHODS
    return name in _SILENT_FUNCTIONS or name.startswith("profiler.")


@functools.lru_cache(maxsize=4096)
def public_name(raw: str) -> tuple[str, bool]:
    """The folded name of a raw one, and whether the two operands have to be swapped."""
    owner, _, last = raw.rpartition(".")
    if last == "__get__":
        return owner, False
    if owner == "torch.Tensor":
        return _method_name(last)
    if owner == "torch.nn.functional" and last in _PLAIN_ACTIVATIONS:
        return f"torch.{last}", False
    if owner in {"torch", "torch.nn.functional"} and last.endswith("_") and hasattr(torch.Tensor, last):
        return f"torch.Tensor.{last}", False
    if raw.startswith("torch.") and (synonym := _SYNONYMS.get(raw.removeprefix("torch."))):
        return f"torch.{synonym}", False
    return raw, False


def _method_name(method: str) -> tuple[str, bool]:
    if method.startswith("__") and method.endswith("__"):
        return _operator_name(method)
    if method.endswith("_"):
        return f"torch.Tensor.{_SYNONYMS.get(method[:-1], method[:-1])}_", False
    name = _SYNONYMS.get(method, method)
    twin = getattr(torch, name, None)
    is_function = callable(twin) and not isinstance(twin, type) and name not in _OTHER_ORDER
    return (f"torch.{name}" if is_function else f"torch.Tensor.{name}"), False


def _operator_name(method: str) -> tuple[str, bool]:
    operator = method.strip("_")
    if operator in _OPERATORS:
        return f"torch.{_OPERATORS[operator]}", False
    if operator[:1] == "r" and operator[1:] in _REFLECTED:
        return f"torch.{_OPERATORS[operator[1:]]}", True
    if operator[:1] == "i" and operator[1:] in _REFLECTED:
        return f"torch.Tensor.{_OPERATORS[operator[1:]]}_", False
    return f"torch.Tensor.{method}", False


def is_loss(name: str) -> bool:
    """Whether a public name is one of torch.nn.functional's loss functions, or the loss that is a module only."""
    owner, _, last = name.rpartition(".")
    return name == ADAPTIVE or (
        owner in {"torch.nn.functional", "torch"}
        and (
            last.endswith("_loss")
            or last in {"cross_entropy", "kl_div"}
            or last.startswith(("binary_cross_", "linear_cross_"))
        )
        and hasattr(F, last)
    )
