"""What `headstart doctor` looks at, each finding a fact and, where something should be mended, the remedy."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata

LEAST_MEMORY_MIB = 4096
NETWORK_VARIABLES = (
    "HF_HOME",
    "HF_ENDPOINT",
    "HF_TOKEN",
    "HF_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "HF_DATASETS_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "TORCH_HOME",
    "HEADSTART_CACHE",
)
OPTIONAL = {
    "timm": "for timm:… models",
    "tensorflow": "for tfhub:… models",
    "kagglehub": "to fetch tfhub:… models",
    "soundfile": "to open recordings",
}
"""Package -> what it is for."""
HUB = "https://huggingface.co"
TRUE = {"1", "ON", "YES", "TRUE"}


@dataclass(frozen=True)
class Finding:
    """One fact about this machine; `remedy` says what to do where it is not as it should be."""

    name: str
    said: str
    remedy: str | None = None

    @property
    def is_ok(self) -> bool:
        return self.remedy is None


def all_findings() -> list[Finding]:
    """Everything, the cheapest first."""
    requirements = metadata.requires("headstart") or []
    installed = [*packages(requirements), *optional(requirements)]
    return [*machine(), *installed, *network(os.environ), *caches(os.environ), *models(), *storage()]


def machine() -> Iterator[Finding]:
    """Python, the platform, cores, memory, and what arithmetic pays."""
    from headstart.device import cores

    yield Finding("python", f"{platform.python_version()} at {sys.executable}")
    yield Finding("platform", platform.platform())
    yield Finding("cores", str(cores()))
    yield _memory(memory_mib())
    yield _arithmetic()


def packages(requirements: list[str]) -> Iterator[Finding]:
    """The versions of what headstart stands on, then whether each extra is installed.

    Args:
        requirements: As in the package's metadata: `name>=1; extra == "some"`.
    """
    parsed = [(_name(line), _extra(line)) for line in requirements]
    have = {name: _version(name) for name, _ in parsed}
    missing = [name for name, extra in parsed if extra is None and have[name] is None]
    said = ", ".join(f"{name} {have[name]}" for name, extra in parsed if extra is None and have[name] is not None)
    yield Finding("packages", said, f"Run: pip install {' '.join(missing)}" if missing else None)
    for extra in sorted({extra for _, extra in parsed if extra is not None}):
        wanted = [name for name, of in parsed if of == extra]
        is_whole = all(have[name] is not None for name in wanted)
        remedy = None if is_whole else f'If you want it, run: pip install "headstart[{extra}]"'
        yield Finding(f"extra {extra}", "installed" if is_whole else "not installed", remedy)


def optional(requirements: list[str]) -> Iterator[Finding]:
    """Packages that open more models or items, where no requirement names them so that `packages` tells of them."""
    told = {_name(line).removesuffix("-cpu") for line in requirements}
    for name, purpose in OPTIONAL.items():
        if name not in told:
            version = _version(name) or _version(f"{name}-cpu")
            remedy = None if version else f"If you want it, run: pip install {name}"
            yield Finding(name, f"{version or 'not installed'}, {purpose}", remedy)


def network(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Which variables steer where models and data sets come from, and what follows from them."""
    given = {name: environment[name] for name in NETWORK_VARIABLES if environment.get(name)}
    shown = [f"{name}={'(set)' if name == 'HF_TOKEN' else value}" for name, value in given.items()]
    yield Finding("variables", ", ".join(shown) or "none of " + ", ".join(NETWORK_VARIABLES))
    if given.get("HF_HUB_OFFLINE", "").upper() in TRUE or given.get("TRANSFORMERS_OFFLINE", "").upper() in TRUE:
        yield Finding("network", "off: only models on this machine are used")
    else:
        endpoint, mirror = given.get("HF_ENDPOINT", HUB), ", a mirror by HF_ENDPOINT" * ("HF_ENDPOINT" in given)
        yield Finding("network", f"models not on this machine come from {endpoint}{mirror}")


def caches(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Where models that were fetched are kept, by the variables of those who fetch them."""
    home = environment.get("XDG_CACHE_HOME") or os.path.join(environment.get("HOME", "~"), ".cache")
    hugging_face = environment.get("HF_HOME") or os.path.join(home, "huggingface")
    torch = environment.get("TORCH_HOME") or os.path.join(home, "torch")
    yield _folder("Hub cache", environment.get("HF_HUB_CACHE") or os.path.join(hugging_face, "hub"))
    yield _folder("torch cache", os.path.join(torch, "hub"))


def _folder(name: str, path: str) -> Finding:
    full = os.path.expanduser(path)
    return Finding(name, full if os.path.isdir(full) else f"{full}, not there yet")


def models() -> Iterator[Finding]:
    """How many models are here for each kind of input, and which is taken by default."""
    from headstart.sources import _ref

    listed = [model for model in _ref.listed() if model.is_available]
    for modality in ("text", "image", "audio"):
        here = [model.ref for model in listed if model.modality == modality]
        if here:
            yield Finding(f"{modality} models", f"{len(here)} here; {here[0]} is taken by default")
        elif modality != "audio":  # nothing can be learnt on sound yet, so its absence is no fault
            yield Finding(f"{modality} models", "none here", _ref.INSTALL[modality])


def storage() -> Iterator[Finding]:
    """The folder where features are kept, and how large it is."""
    from headstart.features import cache_root

    root = cache_root()
    mib = sum(file.stat().st_size for file in root.rglob("*") if file.is_file()) / 2**20
    writable = next(folder for folder in (root, *root.parents) if folder.exists())
    remedy = None if os.access(writable, os.W_OK) else "Make it writable, or set HEADSTART_CACHE to another folder."
    yield Finding("cache", f"{root}, {mib:.0f} MiB; headstart cache lists it, headstart cache clear deletes it", remedy)


def memory_mib() -> int:
    """The machine's memory, 0 where it cannot be told."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (AttributeError, ValueError, OSError):
        return 0


def _memory(mib: int) -> Finding:
    if mib == 0:
        return Finding("memory", "unknown")
    remedy = f"Under {LEAST_MEMORY_MIB} MiB, take a small model and --batch-size 8." if mib < LEAST_MEMORY_MIB else None
    return Finding("memory", f"{mib} MiB", remedy)


def _arithmetic() -> Finding:
    from headstart.train.step import measured_precision

    return Finding("arithmetic", measured_precision().why)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _extra(requirement: str) -> str | None:
    found = re.search(r"""extra\s*==\s*["']([\w.-]+)["']""", requirement)
    return found[1] if found else None
