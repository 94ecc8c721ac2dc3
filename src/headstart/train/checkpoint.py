"""Where a training stands, kept on disk so that it can go on: tensors in safetensors, all else in JSON.

Files are written beside their names and renamed, the JSON that names them last; whatever interrupts, one checkpoint
is whole. What the tensors mean is the loop's business.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from headstart.errors import OutputError

LISTING = "checkpoint.json"
Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Checkpoints:
    """A folder that holds the last checkpoint, and the weights of the best epochs it speaks of."""

    folder: Path

    def facts(self) -> dict[str, Any] | None:
        """What the last checkpoint says; None where there is none.

        Raises:
            OutputError: It is damaged.
        """
        path = self.folder / LISTING
        if not path.is_file():
            return None
        try:
            facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise OutputError(f'"{path}" is damaged: {error}. Remove "{self.folder}" to begin anew.') from error
        return facts

    def tensors(self, name: str) -> dict[str, torch.Tensor]:
        """The tensors kept under a name that the last checkpoint has.

        Raises:
            OutputError: They cannot be read.
        """
        path = self.folder / f"{name}.safetensors"
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise OutputError(f'"{path}" cannot be read: {error}. Remove "{self.folder}" to begin anew.') from error

    def put(self, name: str, tensors: Tensors) -> None:
        """Keeps tensors under a name; they stay only if the next listing names them.

        Raises:
            OutputError: The disk is full, or the folder cannot be written to.
        """
        whole = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self.folder / f"{name}.partial"
            save_file(whole, partial)
            _settle(partial, self.folder / f"{name}.safetensors")
        except (OSError, SafetensorError) as error:
            raise self._unwritable(error) from error

    def list(self, facts: Mapping[str, Any], *names: str) -> None:
        """Makes these tensors with these facts the last checkpoint, and removes what it does not name.

        Raises:
            OutputError: The folder cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self.folder / f"{LISTING}.partial"
            partial.write_text(json.dumps(dict(facts)), encoding="utf-8")
            _settle(partial, self.folder / LISTING)
        except OSError as error:
            raise self._unwritable(error) from error
        kept = {LISTING, *(f"{name}.safetensors" for name in names)}
        for path in self.folder.iterdir():
            if path.name not in kept:
                path.unlink()

    def _unwritable(self, error: Exception) -> OutputError:
        return OutputError(f'"{self.folder}" cannot be written: {error}. Make room and go on with --resume.')


def _settle(partial: Path, path: Path) -> None:
    """Gives a file its name once its bytes are on the disk, so that a loss of power finds it whole as well."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)
