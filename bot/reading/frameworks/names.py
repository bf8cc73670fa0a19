"""Operations of numpy, TensorFlow and jax.numpy under their names in torch."""

ROOTS = frozenset(
    ("np", "numpy", "tf", "tensorflow", "jnp", "jax", "keras", "K", "sklearn", "optax", "scipy", "metrics")
)
IMPORTS = frozenset(("numpy", "tensorflow", "keras", "jax", "sklearn", "optax", "scipy"))

MAKERS = frozenset(("array", "asarray", "constant", "Variable", "convert_to_tensor"))
"""What makes a tensor of a literal; a dtype after it is kept where torch has it."""

OPERATIONS = {
    "log": "log", "exp": "exp", "sqrt": "sqrt", "abs": "abs", "square": "square", "log1p": "log1p", "expm1": "expm1",
    "tanh": "tanh", "softmax": "softmax", "log_softmax": "log_softmax", "sigmoid": "sigmoid", "expit": "sigmoid",
    "logsumexp": "logsumexp", "reduce_logsumexp": "logsumexp", "sum": "sum", "reduce_sum": "sum", "mean": "mean",
    "reduce_mean": "mean", "average": "mean", "maximum": "maximum", "minimum": "minimum", "clip": "clamp",
    "clip_by_value": "clamp", "where": "where", "power": "pow", "pow": "pow", "cosh": "cosh", "dot": "dot",
    "multiply": "mul", "subtract": "sub", "divide": "div", "add": "add", "argmax": "argmax", "amax": "amax",
    "reduce_max": "amax", "max": "amax", "zeros": "zeros", "ones": "ones", "zeros_like": "zeros_like",
    "ones_like": "ones_like", "xlogy": "xlogy", "logaddexp": "logaddexp", "sign": "sign", "softplus": "softplus",
}  # fmt: skip
"""Function → function of torch with the same order of arguments."""

KEYWORDS = {"axis": "dim", "keepdims": "keepdim", "a_min": "min", "a_max": "max"}
DIM_LAST = frozenset(("softmax", "log_softmax"))
"""Their axis is the last where none is given, which torch wants to be told."""
