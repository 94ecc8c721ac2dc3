"""`hf:org/name[@revision]`: a model of the Hugging Face Hub, from the network, its cache, or an installed package.

Mirror, token, cache and offline mode follow the Hub's own variables: HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_OFFLINE.
"""

from __future__ import annotations

from pathlib import Path

from headstart.contracts import Backbone, Listed, Ref
from headstart.errors import ModelNotFound
from headstart.sources import _folder, _packaged, _transformers
from headstart.sources.safety import model_folder

# what is not fetched cannot run: pickled weights only where there are no others, Python files only with trust
PATTERNS = ["*.json", "*.txt", "*.safetensors", "*.model", "README.md", "LICENSE*"]
PICKLED = ["pytorch_model*.bin"]
CODE = ["*.py"]
TRANSPORTS = ("requests", "httpx", "httpx2")
"""The libraries through which versions of huggingface_hub ask; their errors are not among its own."""


def load(name: str, *, revision: str | None, offline: bool, trust: bool = False) -> Backbone:
    """The backbone of a Hub model, its revision pinned to a commit.

    Raises:
        ModelNotFound: The Hub (or, offline, this machine) does not have it, or its download broke off.
        UnsafeModel: Its config or weights could run code.
    """
    packaged = _packaged.KNOWN.get(name) if revision is None else None
    folder = _packaged.verified(packaged) if packaged else None
    commit = None
    if folder is None:
        folder = _whole(name, revision=revision, offline=offline, trust=trust)
        commit = folder.name
    # other programs fetch scripts into the same cache; without a key that names them they are never run
    vetted = model_folder.vet(folder, trust=trust, scripts=True)
    ref = Ref(
        asked=name,
        source="hf",
        name=name,
        revision=commit,
        sha256=vetted.sha256,
        license=packaged.license if packaged else _folder.card_license(folder),
        ran_code=vetted.runs_code,
    )
    return _transformers.backbone_of(vetted.folder, ref)


def _whole(name: str, *, revision: str | None, offline: bool, trust: bool) -> Path:
    """The snapshot with its weights, as safetensors where the Hub has them so."""
    patterns = PATTERNS + CODE if trust else PATTERNS
    folder = _snapshot(name, patterns, revision=revision, offline=offline)
    if model_folder.has_safetensors(folder):
        return folder
    return _snapshot(name, patterns + PICKLED, revision=folder.name, offline=offline)


def _snapshot(name: str, patterns: list[str], *, revision: str | None, offline: bool) -> Path:
    """The downloaded or cached snapshot; its folder's name is the commit."""
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    is_offline = offline or constants.HF_HUB_OFFLINE
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns, local_files_only=is_offline))
    except LocalEntryNotFoundError as error:
        is_in_part = type(error).__name__ == "IncompleteSnapshotError"
        said = _in_part(name) if is_in_part else _not_here(name, is_offline=is_offline, endpoint=constants.ENDPOINT)
        raise ModelNotFound(said) from error
    except (HfHubHTTPError, HFValidationError) as error:
        reason = str(error).splitlines()[0]
        raise ModelNotFound(f'The Hub did not give "{name}": {reason}. Check name, revision and HF_TOKEN.') from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in TRANSPORTS:
            raise
        reason = f"{type(error).__name__}: {error}"
        raise ModelNotFound(
            f'The download of "{name}" broke off ({reason}). The same command goes on with it.'
        ) from error


def _in_part(name: str) -> str:
    return (
        f'"{name}" is on this machine in part alone: its download broke off. Run once with a network to go on with it.'
    )


def _not_here(name: str, *, is_offline: bool, endpoint: str) -> str:
    packaged = _packaged.KNOWN.get(name)
    install = f'Run: pip install "headstart[{packaged.extra}]". ' if packaged else ""
    if is_offline:
        return f'"{name}" is not on this machine and the network is off limits. {install}Or give a folder with --model.'
    return f'"{name}" is not on this machine and {endpoint} is out of reach. {install}Or set HF_ENDPOINT to a mirror.'


def listed() -> list[Listed]:
    """Models that installed packages carry, and those in the Hub's cache on this machine."""
    packaged = _packaged.listed()
    known = {model.ref for model in packaged}
    return packaged + [model for model, folder in cached() if model.ref not in known and not _folder.is_timm(folder)]


def cached() -> list[tuple[Listed, Path]]:
    """Models in the Hub's cache on this machine, timm's among them, with their folders."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return []
    found = []
    for repo in repos:
        folders = [revision.snapshot_path for revision in repo.revisions] if repo.repo_type == "model" else []
        whole = next(((folder, kind) for folder in folders if (kind := _folder.modality_of(folder))), None)
        if whole is not None:
            folder, modality = whole
            line = Listed(
                ref=f"hf:{repo.repo_id}",
                modality=modality,
                mib=round(repo.size_on_disk / 2**20, 1),
                is_available=True,
                license=_folder.card_license(folder),
                about="in the Hub cache on this machine",
                rank=40,
            )
            found.append((line, folder))
    return found
