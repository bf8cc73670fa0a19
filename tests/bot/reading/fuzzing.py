"""Run as a program: the reader under atheris, with the arguments of libFuzzer."""

import importlib
import sys
from typing import Any

atheris: Any = importlib.import_module("atheris")  # its stubs are of another version

with atheris.instrument_imports(include=["bot.reading"]):
    from bot.reading import read, warm
    from tests.bot.reading.watched import Watched

if __name__ == "__main__":
    warm()
    atheris.Setup(sys.argv, Watched(read))
    atheris.Fuzz()
