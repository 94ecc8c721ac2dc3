"""What a model reference means and which source answers it; also which model is taken when none is named.

References are strict: `scheme:name` always works, a bare Hub id or an existing folder only where it can mean one thing.
"""

from __future__ import annotations

import re
from pathlib import Path

from headstart import plug
from headstart.contracts import Backbone, Listed, Modality, Source
from headstart.errors import ModelNotFound, UnknownName

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
INSTALL = {
    "text": 'Run: pip install "headstart[minilm]", or name one with --model, for example --model org/name or a folder.',
    "image": "Name one with --model, for example --model microsoft/resnet-18 or a folder.",
    "audio": "Name one with --model, for example --model facebook/wav2vec2-base or a folder.",
}


def parse(text: str) -> tuple[str, str, str | None]:
    """Scheme, name and revision of a reference.

    Args:
        text: `hf:org/name@revision`, `dir:PATH`, `starter:NAME`, a bare `org/name`, or the path of a folder.

    Raises:
        UnknownName: The scheme is not one of the sources.
        ModelNotFound: A bare word could mean several things, or nothing.
    """
    scheme, colon, rest = text.partition(":")
    if colon and not Path(text).exists() and len(scheme) > 1:
        if scheme not in plug.names("sources"):
            raise UnknownName("source", scheme, plug.names("sources"))
        name, _, revision = rest.partition("@") if scheme == "hf" else (rest, "", "")
        return scheme, name, revision or None
    return _bare(text)


def _bare(text: str) -> tuple[str, str, str | None]:
    name, _, revision = text.partition("@")
    # an empty path would be the current folder
    is_folder = text != "" and Path(text).is_dir()
    is_hub_id = HUB_ID.fullmatch(name) is not None and not text.startswith(".")
    if is_folder and is_hub_id and not (Path(text) / "config.json").exists():
        raise ModelNotFound(
            f'"{text}" is a folder without a model and could be a Hub id. Write hf:{text} or dir:{text}.'
        )
    if is_folder:
        return "dir", text, None
    if is_hub_id:
        return "hf", name, revision or None
    raise ModelNotFound(
        f'"{text}" is neither a folder here nor a Hub id of the form org/name. '
        f"Write hf:org/name, dir:PATH or starter:NAME; `headstart models` lists what is known."
    )


def load(text: str, *, revision: str | None = None, offline: bool = False, trust: bool = False) -> Backbone:
    """The backbone a reference means.

    Args:
        text: A reference, see `parse`.
        revision: Branch, tag or commit of a Hub model.
        offline: Never ask the network.
        trust: Run code that comes with the model, where it cannot be loaded without.

    Raises:
        ModelNotFound: Nothing answers to the reference.
        UnsafeModel: The model was refused before it was read.
    """
    scheme, name, pinned = parse(text)
    source: Source = plug.load("sources", scheme)
    return source.load(name, revision=revision or pinned, offline=offline, trust=trust)


def listed() -> list[Listed]:
    """Every model any source knows of without asking the network, the best of each modality first."""
    models = [model for scheme in plug.names("sources") for model in plug.load("sources", scheme).listed()]
    return sorted(models, key=lambda model: (model.modality, not model.is_available, -model.rank, model.ref))


def best(modality: Modality) -> tuple[str, str]:
    """The reference of the best model available here without network, and why it was taken.

    Raises:
        ModelNotFound: None is available; the message says what to install or type.
    """
    usable = [model for model in listed() if model.modality == modality and model.is_available]
    if not usable:
        raise ModelNotFound(f"No pretrained {modality} model is on this machine. {INSTALL[modality]}")
    first = usable[0]
    others = f"; also here: {', '.join(model.ref for model in usable[1:])}" if usable[1:] else ""
    why = f"No --model was given: took {first.ref} ({first.about}), the best {modality} model on this machine{others}."
    return first.ref, why
