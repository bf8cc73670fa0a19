"""``python -m bot`` is ``whyloss``, for places where the console script is not on the path."""

import sys

from bot.cli import main

if __name__ == "__main__":
    sys.exit(main())
