"""What every test may ask for: the shared real data, where present, and a machine without network."""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ("families",)

SHARED = Path(__file__).resolve().parents[2] / "shared"
OFFLINE = Path(__file__).resolve().parent / "offline"


def pytest_configure(config: pytest.Config) -> None:
    """Before any test or library is imported: no network, and no trace of or on the user's own folders."""
    home = tempfile.TemporaryDirectory(prefix="headstart-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(home.cleanup)
    for name in [
        name for name in os.environ if name.startswith(("HF_", "HEADSTART_", "TRANSFORMERS_", "TORCH_HOME", "KAGGLE"))
    ]:
        del os.environ[name]
    path = os.pathsep.join(filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")]))
    os.environ |= {"HF_HOME": f"{home.name}/hf", "HEADSTART_CACHE": f"{home.name}/cache"}
    os.environ |= {"TORCH_HOME": f"{home.name}/torch", "KAGGLEHUB_CACHE": f"{home.name}/kaggle"}
    os.environ |= {"HF_HUB_OFFLINE": "1", "PYTHONPATH": path, "TOKENIZERS_PARALLELISM": "false", "COLUMNS": "100"}
    sys.path.insert(0, str(OFFLINE))
    import no_network

    no_network.refuse()
    gc.set_threshold(50_000)
    # whoever starts the tests in the background may have told them, and so their children, not to hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What the libraries made when they were imported stays, and need not be looked through again and again."""
    gc.freeze()


@pytest.fixture
def bfloat16_here(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Lets torch say that this machine has bfloat16 arithmetic, or has none, whichever it is."""
    import torch

    def say(answer: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: answer, raising=False)

    return say


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and weights beside the project."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs ../shared with the real data sets, which is absent")
    return SHARED
