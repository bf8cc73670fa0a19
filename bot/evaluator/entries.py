"""Dotted entry points: `package.module:function`, the only way in which this room names other rooms' code."""

import importlib
from collections.abc import Callable
from typing import Any


class EntryUnknown(LookupError):
    """A name is not `module:function` of something that can be imported here."""


def entry(name: str) -> Callable[..., Any]:
    """The function called `name`; raises EntryUnknown."""
    module_name, colon, function_name = name.partition(":")
    try:
        function: object = getattr(importlib.import_module(module_name), function_name) if colon else None
    except (ImportError, AttributeError, ValueError) as error:
        raise EntryUnknown(f"no entry point {name!r}: {error}") from error
    if not callable(function):
        raise EntryUnknown(f"no entry point {name!r}: write it as package.module:function")
    return function


def call_hook(name: str) -> None:
    """Calls the function called `name` without arguments; an empty name means that there is none."""
    if name:
        entry(name)()
