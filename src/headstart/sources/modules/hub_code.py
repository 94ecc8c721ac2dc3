"""Repositories of the PyTorch Hub: where their code is, and the module an entry makes.

hubconf.py is foreign code. Nothing here asks whether it may run; `torchhub` and `_reopened` do, before they call.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.errors import HeadstartError, MismatchError, ModelError, ModelNotFound
from headstart.sources.modules import mended_torchvision
from headstart.sources.modules.entries import PRETRAINED, Entry, called
from headstart.sources.safety import conversion, model_folder

if TYPE_CHECKING:
    from torch import nn


def folder_of(entry: Entry, *, offline: bool) -> Path:
    """Where the repository is, from the network only if it is neither local nor in PyTorch's cache.

    Raises:
        ModelNotFound: It is not here, and the network is off limits or does not give it.
    """
    if entry.is_local:
        folder = Path(entry.repo).expanduser().resolve()
        if not (folder / "hubconf.py").is_file():
            raise ModelNotFound(f'"{entry.repo}" has no hubconf.py. Give the folder of a PyTorch Hub repository.')
        return folder
    found = _cached(entry)
    if found is None and not offline:
        _fetch(entry)
        found = _cached(entry)
    if found is None:
        raise ModelNotFound(
            f'"{entry.repo}" is not in {hub_folder()} and the network is off limits. '
            f"Fetch it once with network, or give a local folder: torchhub:PATH:{entry.name}."
        )
    return found


def hub_folder() -> Path:
    """PyTorch's own cache of repositories; TORCH_HOME moves it."""
    import torch

    return Path(torch.hub.get_dir())


def _cached(entry: Entry) -> Path | None:
    stem = entry.repo.replace("/", "_")
    names = [entry.revision] if entry.revision else ["main", "master"]
    found = [hub_folder() / f"{stem}_{name.replace('/', '_')}" for name in names]
    return next((folder for folder in found if (folder / "hubconf.py").is_file()), None)


def _fetch(entry: Entry) -> None:
    """Puts the repository into PyTorch's cache; its hubconf.py is run by that."""
    import torch

    where = entry.repo + (f":{entry.revision}" if entry.revision else "")
    try:
        torch.hub.list(where, skip_validation=True, trust_repo=True, verbose=False)  # type: ignore[no-untyped-call]
    except Exception as error:
        raise ModelNotFound(
            f'GitHub did not give "{where}": {reason(error)}. Check name, revision, network.'
        ) from error


def fingerprints(folder: Path) -> dict[str, str]:
    """The digest of every Python file of a repository."""
    files = sorted(path for path in folder.rglob("*.py") if path.is_file())
    return {path.relative_to(folder).as_posix(): model_folder.sha256(path) for path in files}


def build(folder: Path, entry: Entry, *, pretrained: bool, offline: bool) -> nn.Module:
    """The module that the entry makes, its random parts always the same. Runs the repository's code.

    Args:
        folder: Of the repository.
        entry: Which function, and its arguments.
        pretrained: Ask for the pretrained weights where the entry has some and its arguments do not say; without,
            the weights are about to be replaced and none are asked for.
        offline: Let PyTorch fetch no weights.

    Raises:
        ModelError: It fails.
        MismatchError: It makes something else than a module that reads images.
    """
    import torch
    from torch import nn

    _forget_other_repositories(folder)
    mended_torchvision.mend(is_source=(folder / "torchvision").is_dir())
    try:
        with torch.random.fork_rng(), _on_path(folder), _fetching_nothing(if_=offline):
            torch.manual_seed(0)
            function = _function(folder, entry.name)
            made = function(*entry.args, **_arguments(function, entry, pretrained=pretrained))
    except HeadstartError:
        raise
    except Exception as error:
        raise ModelError(f'"{entry}" cannot be made: {reason(error)}. See the hubconf.py of "{folder}".') from error
    if hasattr(made, "save_pretrained") and hasattr(made, "config"):
        name = getattr(made.config, "_name_or_path", "") or (entry.args[0] if entry.args else "org/name")
        raise MismatchError(f'"{entry}" makes a transformers model, which has a source of its own. Write hf:{name}.')
    if not isinstance(made, nn.Module):
        raise MismatchError(f'"{entry}" makes a {type(made).__name__}, not a module. Name an entry that makes a model.')
    return made


def _arguments(function: Any, entry: Entry, *, pretrained: bool) -> Mapping[str, Any]:
    if not pretrained:
        return called(entry)
    if entry.args or set(entry.kwargs) & set(PRETRAINED) or "weights" in entry.options:
        return entry.kwargs
    asked = [name for name in PRETRAINED if name in inspect.signature(function).parameters]
    return {**entry.kwargs, **{name: PRETRAINED[name] for name in asked[:1]}}


@contextlib.contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    """The repository's own modules can be imported while the block lasts, as PyTorch has it."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextlib.contextmanager
def _fetching_nothing(*, if_: bool) -> Iterator[None]:
    """PyTorch fetches no checkpoint while the block lasts; those in its cache are found all the same."""
    import torch.hub

    kept = torch.hub.download_url_to_file

    def refuse(url: str, *args: Any, **kwargs: Any) -> None:
        raise ModelNotFound(
            f'"{url}" is not in {hub_folder()}/checkpoints and the network is off limits. Put it there.'
        )

    torch.hub.download_url_to_file = refuse if if_ else kept
    try:
        yield
    finally:
        torch.hub.download_url_to_file = kept


def _function(folder: Path, name: str) -> Any:
    """The entry of hubconf.py, which is run for that.

    Raises:
        ModelNotFound: There is no such entry.
        ModelError: It needs packages that are not installed.
    """
    spec = importlib.util.spec_from_file_location("hubconf", folder / "hubconf.py")
    assert spec is not None, "a Python file has one"
    assert spec.loader is not None, "a Python file has one"
    hubconf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hubconf)
    needed = [need for need in getattr(hubconf, "dependencies", []) if importlib.util.find_spec(need) is None]
    if needed:
        raise ModelError(f'"{folder}" needs packages that are not installed. Run: pip install {" ".join(needed)}')
    entries = [key for key, value in vars(hubconf).items() if callable(value) and not key.startswith("_")]
    if name not in entries:
        raise ModelNotFound(f'"{folder}" has no entry "{name}". Give one of {", ".join(sorted(entries)) or "none"}.')
    return getattr(hubconf, name)


def _forget_other_repositories(folder: Path) -> None:
    """Drops modules imported from other repositories, which may have the names of this one's."""
    for top in [name for name in sys.modules if "." not in name]:
        home = next(_homes(sys.modules[top]), folder)
        if home != folder and (home / "hubconf.py").is_file():
            for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
                del sys.modules[name]


def _homes(module: Any) -> Iterator[Path]:
    """The folder a top module was imported from."""
    for place in getattr(module, "__path__", None) or ():
        yield Path(place).parent
    file = getattr(module, "__file__", None)
    if file:
        yield Path(file).parent


def reason(error: Exception) -> str:
    """What foreign code failed with, in one line."""
    return textwrap.shorten(f"{type(error).__name__}: {error}", 200, placeholder=" …").rstrip(".: ")


def tensors_of(path: Path) -> dict[str, Any]:
    """The weights in a checkpoint, the prefix that data-parallel training leaves taken off.

    Raises:
        ModelNotFound: There is no such file.
        UnsafeModel: It is a pickle that does more than hold tensors.
    """
    from safetensors.torch import load_file

    if not path.is_file():
        raise ModelNotFound(f'There is no checkpoint "{path}". Give ?weights=FILE, a .safetensors or a .pt file.')
    if path.suffix != ".safetensors":
        path = conversion.to_safetensors(path)
    tensors = load_file(path)
    is_parallel = bool(tensors) and all(name.startswith("module.") for name in tensors)
    return {name.removeprefix("module.") if is_parallel else name: tensor for name, tensor in tensors.items()}


def fill(module: nn.Module, tensors: Mapping[str, Any], where: Path) -> None:
    """Gives a module the weights of a checkpoint, key for key.

    Raises:
        ModelError: A key is missing, too much or of another shape.
    """
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise ModelError(
            f'The weights in "{where}" do not fit the module: {_lines(str(error))}. Give its own.'
        ) from error


def _lines(text: str) -> str:
    return textwrap.shorten(text.partition("\n")[2] or text, 200, placeholder=" …").rstrip(".: ")
