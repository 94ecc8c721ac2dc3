"""Starting is quick: neither the package nor the command line's help loads what only work needs."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

HEAVY = (
    "torch",
    "transformers",
    "datasets",
    "numpy",
    "pyarrow",
    "sklearn",
    "pandas",
    "rich",
    "PIL",
    "importlib.metadata",
)
STARTS = {
    "import headstart": "import headstart",
    "headstart --help": "from headstart.cli import main; assert main(['--help']) == 0",
}


def seconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - began


@pytest.mark.parametrize("code", STARTS.values(), ids=STARTS.keys())
def test_starting_loads_no_heavy_package(code: str) -> None:
    told = f"{code}; import sys; print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("code", STARTS.values(), ids=STARTS.keys())
def test_starting_takes_at_most_three_times_as_long_as_importing_rich(code: str) -> None:
    # The fastest of several interleaved starts: whatever else the machine does can only slow one down.
    pairs = [(seconds(code), seconds("import rich")) for _ in range(15)]
    ours, rich = (min(column) for column in zip(*pairs, strict=True))
    assert ours <= 3 * rich


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["no-such-verb"], 2)], ids=["done", "refused"])
def test_a_process_ends_with_its_exit_code_and_does_not_sort_out_what_it_leaves(words: list[str], code: int) -> None:
    told = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 1000))"
    program = f"{told}\nfrom headstart.__main__ import start\nstart()"
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (code, "True")
