"""Pickled weights as safetensors, made once in a process of their own and kept under the digest of the original.

This process never unpickles; what the other one does is in `unpickling`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from headstart.cache import cache_root
from headstart.errors import UnsafeModel
from headstart.sources.safety import digests, tensor_files

SUFFIXES = (".bin", ".pt", ".pth", ".th", ".ckpt", ".pkl")
"""How files of torch.save are called."""
START = "import sys; sys.path[:] = sys.argv[3:]; from headstart.sources.safety import unpickling; unpickling.main()"
SECONDS = 1800
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL")
"""The only variables the other process sees: no token, no proxy, no PYTHONPATH."""
FORMAT = 1
"""Raised whenever a conversion would come out differently."""


def to_safetensors(path: Path) -> Path:
    """The weights of a file of torch.save, converted to safetensors; the file itself is never loaded here.

    Names are kept as they are ("module." of DataParallel included); of a checkpoint with notes around its weights,
    as in {"state_dict": …, "epoch": …}, the weights are taken.

    Args:
        path: A .bin, .pt, .pth, .th or .ckpt file, of any version of torch.

    Returns:
        A file in the cache, named by the digest of the original; made on the first call, found on later ones.

    Raises:
        UnsafeModel: It holds anything but tensors in dictionaries; the message names the opcode, name or member.
        ModelError: A weight is not a number.
    """
    done = cache_root() / "weights" / f"{digests.sha256(path)}-{FORMAT}.safetensors"
    if not done.is_file():
        done.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=done.parent) as place:
            partial = Path(place).resolve() / "partial.safetensors"
            _in_a_child(path.resolve(), partial)
            tensor_files.verify(partial, shown=path)
            os.replace(partial, done)
    return done


def _in_a_child(source: Path, target: Path) -> None:
    path = [entry for entry in sys.path if Path(entry).is_absolute()]
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    # -I: no variables, no user's start-up files, no current folder; -B: nothing is written beside the sources
    command = [sys.executable, "-I", "-B", "-c", START, str(source), str(target), *path]
    environment |= {"OMP_NUM_THREADS": "1", "HOME": str(target.parent), "TMPDIR": str(target.parent)}
    try:
        done = subprocess.run(
            command,
            cwd=target.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnsafeModel(f"{source}: converting it took more than {SECONDS} s. Get it as safetensors.") from error
    refused = _answer(done)
    if refused is not None:
        raise UnsafeModel(refused)
    if not target.is_file():
        raise UnsafeModel(f"{source}: it could not be converted ({_last(done.stderr)[:200]}). Get it as safetensors.")


def _answer(done: subprocess.CompletedProcess[str]) -> str | None:
    """Why the other process refused; None where it did not say."""
    try:
        refused = json.loads(_last(done.stdout))["refused"]
    except (ValueError, KeyError, TypeError):
        return None
    return None if refused is None else str(refused)


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it ended without a word"])[-1]
