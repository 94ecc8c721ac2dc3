"""A reference to an entry of a PyTorch Hub repository, taken apart. Nothing is looked up or run here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from headstart.errors import ModelNotFound, SettingError

FORM = "REPO:ENTRY, where REPO is owner/name on GitHub or a local folder, such as pytorch/vision:resnet50"
PRETRAINED: Mapping[str, Any] = {"weights": "DEFAULT", "pretrained": True}
"""Arguments by which entries are asked for their pretrained weights, the newer first."""


@dataclass(frozen=True)
class Entry:
    """What a reference names: a function of a repository's hubconf.py and what it is called with.

    `options` are headstart's own: the file of the weights, and how images are read.
    """

    repo: str
    name: str
    revision: str | None = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """Whether the repository is a folder on this machine."""
        return Path(self.repo).expanduser().is_dir()

    def __str__(self) -> str:
        given = [str(value) for value in self.args] + [f"{key}={value}" for key, value in self.kwargs.items()]
        # of a folder its name says enough: where it lies is this machine's business
        return ":".join(
            [Path(self.repo).expanduser().resolve().name if self.is_local else self.repo, self.name, *given]
        )


def parse(text: str) -> Entry:
    """The parts of `REPO[@REVISION]:ENTRY[:ARG…][?OPTION=VALUE&…]`; an ARG may be NAME=VALUE, a value any JSON.

    Raises:
        ModelNotFound: It names no entry, or the folder is not there.
    """
    path, _, query = text.partition("?")
    repo, *rest = path.split(":")
    if not rest or not rest[0] or not repo:
        raise ModelNotFound(f'"{text}" names no entry of a repository. Give {FORM}.')
    revision = None
    if not Path(repo).expanduser().is_dir():
        repo, _, revision = repo.partition("@")
        if repo.count("/") != 1 or repo.startswith((".", "~", "/")):
            raise ModelNotFound(f'There is no folder "{repo}". Give {FORM}.')
    pairs = [part.partition("=") for part in rest[1:]]
    args = tuple(_value(head) for head, sign, _ in pairs if not sign)
    kwargs = {head: _value(tail) for head, sign, tail in pairs if sign}
    return Entry(repo, rest[0], revision or None, args, kwargs, dict(parse_qsl(query)))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def called(entry: Entry) -> dict[str, Any]:
    """The named arguments with which the same module comes without its pretrained weights."""
    return {name: value for name, value in entry.kwargs.items() if name not in PRETRAINED}


def option_pixels(options: Mapping[str, str]) -> dict[str, Any]:
    """How images are read, by a reference's options; numbers side by side are separated by commas.

    Raises:
        SettingError: An option is unknown.
    """
    said: dict[str, Any] = {}
    for name, value in options.items():
        if name not in ("weights", "size", "resize", "mean", "std"):
            raise SettingError(
                f'There is no option "{name}" of a torchhub reference. Give weights, size, resize, mean, std.'
            )
        if name != "weights":
            said[name] = value.split(",") if name in ("mean", "std") else value
    return said
