"""What a zygote imports once: the harmless part of the standard library, torch and numpy.

A locked child may not be able to read the interpreter's folder at all (no Landlock, or an interpreter that only
root may read), so what is not loaded before does not exist for it.
"""

from typing import Final

STDLIB: Final = """
    abc array ast base64 binascii bisect bz2 calendar cmath codecs collections collections.abc colorsys
    contextlib copy copyreg csv ctypes dataclasses datetime decimal difflib dis enum errno fnmatch fractions
    functools gc getpass glob gzip hashlib heapq html importlib.metadata importlib.util inspect io itertools
    json keyword linecache locale logging math numbers operator os pathlib pickle platform pprint queue random
    re reprlib secrets select shutil signal socket sqlite3 statistics string struct subprocess sys sysconfig
    tempfile textwrap threading time timeit token tokenize traceback types typing unicodedata unittest
    unittest.mock urllib.parse urllib.request uuid warnings weakref zipfile zlib encodings.ascii encodings.idna
    encodings.latin_1 encodings.unicode_escape encodings.utf_16 encodings.utf_8_sig encodings.cp932 encodings.gb18030
    encodings.cp1252 _strptime asyncio
    concurrent.futures multiprocessing multiprocessing.pool multiprocessing.queues
    multiprocessing.shared_memory multiprocessing.synchronize
""".split()  # noqa: SIM905 - sixty quoted lines would hide the list
"""Some of these (socket, subprocess, multiprocessing) are loaded so that their calls fail with a PermissionError
that names what is forbidden, rather than with an ImportError that does not."""

TORCH: Final = (
    "torch",
    "torch.nn.functional",
    "torch._dynamo",
    "torch.distributions",
    "torch.func",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.utils.data",
    "torch.utils.checkpoint",
    "torch.utils.serialization",
    "torch.nn.utils.parametrizations",
    "torch._subclasses.schema_check_mode",
    "torch.profiler._cupti_monitor",
    "torch._decomp.decompositions_for_jvp",
    "numpy",
    "numpy.random",
    "numpy.testing",
)
"""Some of these (`torch._dynamo`) are imported by torch itself at the first use of an optimizer, which a child
cannot do.
"""
