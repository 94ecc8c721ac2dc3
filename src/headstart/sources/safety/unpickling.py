"""The process in which pickled weights become safetensors: no network, no other programs, bounded in what it takes.

`conversion` starts it. It looks the file through first, and reads it with torch's own restricted reader after that.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.errors import HeadstartError, UnsafeModel
from headstart.sources.safety import archives

if TYPE_CHECKING:
    import torch

WRAPPERS = ("state_dict", "model_state_dict", "model", "weights")
"""Where training scripts keep the weights among their other notes."""
NETWORK = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.")
PROGRAMS = {
    "os.system",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "subprocess.Popen",
    "pty.spawn",
}
UNPICKLED = "pickle.find_class"
"""Raised by Python's own unpickler, which torch's restricted one does without."""
CPU_SECONDS = 1200
MEMORY = 32 * 2**30
"""Of addresses, most of which torch reserves and never touches."""


class ConfinedError(BaseException):
    """What was loaded tried what weights never do. No `Exception`, so that no library takes it for bad luck."""


def main() -> None:
    """Converts the file named first to the one named second, and prints what came of it as JSON."""
    source, target = map(Path, sys.argv[1:3])
    sys.addaudithook(guard(target.parent))
    limit(source.stat().st_size)
    try:
        archives.verify(source)
        convert(source, target)
    except HeadstartError as error:
        print(json.dumps({"refused": str(error)}))  # noqa: T201
    else:
        print(json.dumps({"refused": None}))  # noqa: T201


def guard(folder: Path) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that ends whatever reaches for the network, a program, an unpickler, or a file outside a folder."""
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    within = os.fspath(folder) + os.sep

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in PROGRAMS or event == UNPICKLED or event.startswith(NETWORK):
            raise ConfinedError(f"{event} was refused while the weights were converted")
        if event == "open" and isinstance(args[2], int) and args[2] & writes:
            path = os.fspath(args[0]) if isinstance(args[0], str | bytes | os.PathLike) else ""
            if path != os.devnull and not os.fsdecode(path).startswith(within):
                raise ConfinedError(f"writing to {args[0]} was refused while the weights were converted")

    return hook


def limit(num_bytes: int) -> None:
    """Bounds time, memory and what may be written, where the system can."""
    if sys.platform == "win32":
        return
    import resource

    wanted = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_AS: MEMORY + 6 * num_bytes,
        resource.RLIMIT_FSIZE: 4 * num_bytes + 2**20,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def convert(source: Path, target: Path) -> None:
    """Writes the tensors of a file that was looked through, under their own names, as safetensors.

    Raises:
        UnsafeModel: torch's restricted reader refuses it, or it holds no tensors by name.
    """
    import pickle
    import warnings

    import torch
    from safetensors.torch import save_file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            loaded = torch.load(source, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, TypeError, KeyError) as error:
            reason = str(error).splitlines()[0][:120]
            raise UnsafeModel(f"{source}: torch refuses it ({reason}). Get the weights as safetensors.") from error
    tensors = tensors_of(loaded)
    if not tensors:
        raise UnsafeModel(f"{source}: it holds no tensors by name. Give a file of torch.save(model.state_dict()).")
    total = sum(tensor.nbytes for tensor in tensors.values())
    # a tensor may repeat one number over and over, and weights may be tied; four times the file is neither
    if total > 4 * source.stat().st_size:
        raise UnsafeModel(f"{source}: its tensors would unpack to {total:,} bytes. Get the weights as safetensors.")
    # tied weights share memory, which safetensors does not write: each gets its own
    own = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    save_file(own, target, {"format": "pt"})


def tensors_of(loaded: Any) -> Mapping[str, torch.Tensor]:
    """The weights in what torch.load gave: in the dictionary itself, or in the one a training script wrapped."""
    import torch

    for _ in range(2):
        inner = [loaded[key] for key in WRAPPERS if isinstance(loaded, dict) and isinstance(loaded.get(key), dict)]
        loaded = inner[0] if inner else loaded
    items = loaded.items() if isinstance(loaded, dict) else ()
    return {
        name: tensor
        for name, tensor in items
        if isinstance(name, str) and isinstance(tensor, torch.Tensor) and tensor.layout == torch.strided
    }
