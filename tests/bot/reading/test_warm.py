"""After warm() reading opens no file and imports nothing: the process that reads is locked in by then."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[3]
SCRIPT = """
import sys
from bot.reading import File, Question, read, warm

warm()
assert "torch" not in sys.modules
loaded = set(sys.modules)

def refuse(event, arguments):
    if event in ("open", "import", "os.listdir", "os.scandir", "subprocess.Popen", "socket.connect"):
        raise PermissionError(f"{event} {arguments}")

sys.addaudithook(refuse)
message = "クロスエントロピーが 0.5514 です。0 のはずですが、なぜですか？ "
message += "entropÃ\\xada\\n```\\n>>> crit(x\\n0.5\\n```\\n≤ “x”"
notebook = File("a.ipynb", b'{"cells": [{"cell_type": "code", "source": "print(F.mse_loss(a, b))"}]}')
reading = read(message, (notebook, File("b.py", b"loss = F.mse_loss(a, b)\\nprint loss")))
assert isinstance(reading, Question), reading
assert reading.language == "ja"
assert set(sys.modules) == loaded
"""


def test_reading_after_warm_opens_nothing() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
