"""What needs an extra (models, adapters, trackers), in a process of its own: `make test` puts the packages on its path.

Without them every test here is skipped, and says so.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from headstart.sources.modules import mended_torchvision

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))
pytest.register_assert_rewrite("source_checks")
# timm brings a torchvision that does not fit a torch without CUDA, and tests import transformers themselves
mended_torchvision.mend()
