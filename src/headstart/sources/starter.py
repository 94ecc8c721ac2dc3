"""`starter:NAME`: a small pretrained model that ships inside headstart, so that a first run needs no network.

The models themselves lie in `headstart/starters`, each an ordinary model folder; `recipes/` says how they were made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headstart.contracts import Backbone, Listed, Modality, Ref
from headstart.errors import SettingError, UnknownName, UnsafeModel
from headstart.sources import _folder, _transformers
from headstart.sources.safety import model_folder

FOLDER = Path(__file__).parents[1] / "starters"

# below every model that has seen real data, above none at all
RANK = 10


@dataclass(frozen=True)
class Starter:
    """A model folder that ships with headstart, and the digest of the weights that were put there.

    One that `is_fresh` is an architecture alone: it has a config in place of weights, to be trained from scratch.
    """

    name: str
    sha256: str
    modality: Modality
    about: str
    is_fresh: bool = False

    @property
    def file(self) -> Path:
        """The file whose digest is known."""
        return FOLDER / self.name / ("config.json" if self.is_fresh else "model.safetensors")


STARTERS = {
    starter.name: starter
    for starter in (
        Starter(
            name="shapes-resnet",
            sha256="d58cc82955cbef3c5ccc142e00b8e49fbbf597944075fbd6f8bef02e5b135bbf",
            modality="image",
            about="ResNet of 3 blocks for 32x32 images, pretrained on randomly drawn shapes, 0.37 M parameters",
        ),
        Starter(
            name="small-conformer",
            sha256="625c5b1b6232f1b8caf4765b80f6ac132641f1036a49bd0f749481d1dabf1948",
            modality="audio",
            about="FastConformer of 3 blocks over log-mel spectra, an architecture without weights, 0.8 M parameters",
            is_fresh=True,
        ),
    )
}


def load(name: str, *, revision: str | None, offline: bool, trust: bool = False) -> Backbone:
    """The backbone of a starter; with or without network, it is here.

    Raises:
        UnknownName: No starter has this name.
        SettingError: A revision was asked for; a starter has the revision of headstart itself.
        UnsafeModel: The weights are not those that headstart shipped.
    """
    if name not in STARTERS:
        raise UnknownName("starter", name, STARTERS)
    if revision is not None:
        raise SettingError(f'"starter:{name}" ships with headstart and has no revisions. Leave --revision out.')
    folder = _verified(STARTERS[name])
    license_ = _folder.card_license(folder)
    ref = Ref(asked=name, source="starter", name=name, sha256=model_folder.fingerprints(folder), license=license_)
    return _transformers.backbone_of(folder, ref)


def listed() -> list[Listed]:
    """Every starter; all of them are always available."""
    return [_line(starter) for starter in STARTERS.values()]


def _line(starter: Starter) -> Listed:
    return Listed(
        ref=f"starter:{starter.name}",
        modality=starter.modality,
        mib=round(starter.file.stat().st_size / 2**20, 1),
        is_available=True,
        license=_folder.card_license(FOLDER / starter.name),
        about=starter.about,
        rank=RANK,
        is_fresh=starter.is_fresh,
    )


def _verified(starter: Starter) -> Path:
    """The folder of a starter whose weights are, to the byte, those that shipped."""
    folder = FOLDER / starter.name
    model_folder.verify(folder, is_fresh=starter.is_fresh)
    if model_folder.sha256(starter.file) != starter.sha256:
        what = "config is not the one" if starter.is_fresh else "weights are not those"
        raise UnsafeModel(
            f'In "{folder}" the {what} that headstart shipped. Run: pip install --force-reinstall --no-deps headstart'
        )
    return folder
