"""What this process takes of the machine's memory, gives back of it, and may still take.

On a processor nobody says that memory is short: the system ends the process. So a network that learns looks first.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headstart.device import device

MIB = 2**20
M_ARENA_MAX = -8
"""What mallopt calls the number of places for threads, from malloc.h."""
FRUGAL = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64", "TOKENIZERS_PARALLELISM": "false"}
"""Of the routines that oneDNN makes for each size of batch it would keep 1,024, hundreds of MiB where sizes are many.
The threads of a tokenizer would wait for each other at the one place where memory is taken: one is twice as fast."""
IN_LARGE_PAGES = {"THP_MEM_ALLOC_ENABLE": "1"}
"""Tensors in pages of 2 MiB are got and found sooner than in pages of 4 KiB."""
LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
"""Where Linux says whether it has them; asked for without it, torch would warn."""
SPARE, MOST_SPARE_MIB = 0.05, 512.0
"""Share of the machine's memory that is left to others, and the most of it."""
LOOKED_AFTER = 0.02
"""Seconds after which it is looked again how much there is."""
CGROUPS = Path("/sys/fs/cgroup")
OF_A_PROCESS = Path("/proc/self/cgroup")
LIMITS = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""Of control groups of the second and the first version: files of the limit and the use, and what memory.stat calls
files that are kept as long as nobody needs the room."""


def be_frugal() -> None:
    """Lets libraries hold little memory in reserve; before their first work, and a user's own setting wins.

    Threads started later take memory from one place (glibc), where each would have its own of 64 MiB, which tensors of
    some 25 MiB leave in pieces.
    """
    has_large_pages = LARGE_PAGES.is_file() and "[never]" not in LARGE_PAGES.read_text()
    for name, value in (FRUGAL | IN_LARGE_PAGES if has_large_pages else FRUGAL).items():
        os.environ.setdefault(name, value)
    if library := _glibc():
        library.mallopt(M_ARENA_MAX, 1)


@contextlib.contextmanager
def no_garbage() -> Iterator[None]:
    """Python does not look for garbage meanwhile.

    Of many small lists that are soon gone, each some 100,000 have it look at every object of all libraries: 0.2 s in
    which no thread goes on.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def give_back() -> float:
    """Returns to the system what the C library holds of freed memory, if it does (glibc); MiB the process has then."""
    if library := _glibc():
        library.malloc_trim(0)
    return resident_mib()


def resident_mib() -> float:
    """Memory this process has now in MiB; 0 where the system does not tell it in a file."""
    facts = Path("/proc/self/statm")
    return int(facts.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB if facts.exists() else 0.0


def most_mib() -> float:
    """Memory this process may have in all, some of the machine's left to others."""
    return resident_mib() + left_mib() - _spare_mib()


def left_mib() -> float:
    """Memory that the machine has free, or this process's container, whichever is less."""
    import psutil

    return min([float(psutil.virtual_memory().available) / MIB, *_left_to_the_container()])


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """On a processor, a pass through a network within it ends in MemoryError before memory does."""
    if device() != "cpu":
        yield
        return
    from torch.nn.modules import module

    handle = module.register_module_forward_pre_hook(_Look())
    try:
        yield
    finally:
        handle.remove()


class _Look:
    """Looks every now and then, while the parts of a network are run, whether there is memory for the next."""

    def __init__(self) -> None:
        self.spare, self.last = _spare_mib(), 0.0

    def __call__(self, *_: Any) -> None:
        if time.monotonic() - self.last < LOOKED_AFTER:
            return
        if left_mib() < self.spare:
            raise MemoryError(f"Less than {self.spare:,.0f} MiB of memory are left.")
        self.last = time.monotonic()


def _spare_mib() -> float:
    import psutil

    return min(MOST_SPARE_MIB, SPARE * float(psutil.virtual_memory().total) / MIB)


def _left_to_the_container() -> Iterator[float]:
    """MiB under each limit that is set on this process; what the system merely keeps of files counts as free."""
    for line in OF_A_PROCESS.read_text().splitlines() if OF_A_PROCESS.exists() else ():
        _, kind, place = line.split(":", 2)
        # a process within a container is told its place on the machine, and finds its own group at the top
        for folder in (CGROUPS / kind / place.lstrip("/"), CGROUPS / kind) if kind in LIMITS else ():
            limit, used, kept = LIMITS[kind]
            with contextlib.suppress(OSError, ValueError):  # there is no such group, or its limit is "max"
                most, taken = (int((folder / name).read_text()) for name in (limit, used))
                files = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines()).get(kept, 0)
                yield max(0.0, (most - taken + int(files)) / MIB)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None
