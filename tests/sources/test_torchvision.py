"""A torchvision that does not fit the installed torch no longer stops the import of what needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# what torchvision does on import, as far as it matters: load its compiled half if it can, then describe operators
TORCHVISION = """
import torch
try:
    torch.ops.load_library(__file__.replace("__init__.py", "_C.so"))
except OSError:
    pass
for name in ("nms", "qnms"):
    torch.library.register_fake(f"torchvision::{name}")(lambda dets, scores, iou_threshold: dets)
"""
MEND = "from headstart.sources.modules import mended_torchvision as m; m.mend({}); m.mend(); "


def ran(code: str, place: Path) -> subprocess.CompletedProcess[str]:
    """The code run in a process that finds what is in this folder."""
    paths = f"import sys; sys.path.insert(0, {str(place)!r}); "
    return subprocess.run([sys.executable, "-c", paths + code], capture_output=True, text=True, check=False)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(TORCHVISION)
    (tmp_path / "torchvision" / "_C.so").write_bytes(b"no library")
    return tmp_path


def test_alone_it_fails_over_the_missing_operator(broken: Path) -> None:
    assert "torchvision::nms does not exist" in ran("import torchvision", broken).stderr


def test_mended_it_can_be_imported_twice_over(broken: Path) -> None:
    done = ran(MEND.format("") + "import torchvision; m.mend()", broken)
    assert done.returncode == 0, done.stderr


def test_the_source_of_torchvision_can_be_imported_where_none_is_installed(broken: Path, tmp_path: Path) -> None:
    source = tmp_path / "repository"
    (broken / "torchvision").rename(source)
    code = (
        MEND.format("is_source=True")
        + f"exec(open({str(source / '__init__.py')!r}).read().replace('__file__', 'repr(1)'))"
    )
    assert ran(code, source).returncode == 0


def test_without_torchvision_nothing_is_declared(tmp_path: Path) -> None:
    code = MEND.format("") + "import torch; print(hasattr(torch.ops.torchvision, 'nms'), 'torchvision' in sys.modules)"
    assert ran(code, tmp_path).stdout.split() == ["False", "False"]
