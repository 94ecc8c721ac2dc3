"""Lets a torchvision that does not fit the installed torch be imported. Nothing else of torchvision is touched here.

PyPI's torchvision is built against torch with CUDA. Beside a torch without, its compiled half does not load; its Python
half then describes operators that nobody declared, and `import torchvision` fails, as do timm and much of transformers.
Declared operators are enough for the import. They are for boxes, which no model here computes.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

SCHEMAS = {
    "torchvision::nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "torchvision::qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
"""The operators that torchvision's Python half describes without asking whether they are there."""


def mend(*, is_source: bool = False) -> None:
    """Declares the missing operators where torchvision would fail without; to be called before anything imports it.

    Args:
        is_source: That torchvision's source, which has no compiled half, is about to be imported.
    """
    if "torchvision" in sys.modules:
        return
    spec = importlib.util.find_spec("torchvision")
    package = None if spec is None or spec.origin is None else Path(spec.origin).parent
    if package is None and not is_source:
        return
    if package is None or not _loads(package):
        _declare()


def _loads(package: Path) -> bool:
    """Whether the compiled half fits this torch; if so its operators are declared from here on."""
    import torch

    try:
        torch.ops.load_library(next(package.glob("_C.*")))  # type: ignore[no-untyped-call]
    except (StopIteration, OSError):
        return False
    return True


def _declare() -> None:
    import torch

    for name, schema in SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name.partition("::")[2]):
            torch.library.define(name, schema)
