"""What pytest itself costs: nothing that was imported or collected is looked through again for garbage."""

from __future__ import annotations

import gc

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> object:
    """Collects without the collector: thousands of tests and what they import are all kept."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
