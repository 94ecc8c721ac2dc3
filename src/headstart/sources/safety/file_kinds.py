"""What kinds of files lie in a model folder, and where its links lead. Nothing here opens a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from headstart.errors import UnsafeModel

PROGRAMS = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib")
KNOWN_HIDDEN = {
    ".git", ".gitattributes", ".gitignore", ".gitkeep", ".gitmodules", ".cache", ".huggingface", ".eval_results",
    ".DS_Store", ".ipynb_checkpoints", ".locks", ".mdl", ".msc", ".mv", ".dvc", ".dvcignore",
}  # fmt: skip
"""What version control, the Hub, ModelScope and file browsers leave behind; nothing loads it, and nor do we look in."""


def verify(folder: Path, *, scripts: bool = False) -> None:
    """Refuses a folder with links that lead out of it, with programs, or with what is no plain file.

    Args:
        folder: A model folder, or a snapshot in the cache of the Hub.
        scripts: Whether Python files may lie in it.

    Raises:
        UnsafeModel: Something in it is refused; the message names it.
    """
    root = folder.resolve()
    for entry in _entries(root):
        path = Path(entry.path)
        if entry.is_symlink():
            _refuse_far_link(path, root)
        if entry.name.startswith("."):
            raise UnsafeModel(f"{path} is hidden, and no model needs hidden files. Delete it, or use another model.")
        if not (entry.is_file() or entry.is_dir()):
            raise UnsafeModel(f"{path} is neither a file nor a folder. Delete it, or use another model.")
        if not scripts and path.suffix.lower() in PROGRAMS:
            raise UnsafeModel(
                f"{path} is a program, and the model is refused. "
                f"Delete it if the model does without, or pass --trust if you trust its authors."
            )


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder, links not followed."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name in KNOWN_HIDDEN:
                continue
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(Path(entry.path))


def _refuse_far_link(path: Path, root: Path) -> None:
    target = path.resolve()
    if target.is_relative_to(root) or target.is_relative_to(_blobs(root) or root):
        return
    raise UnsafeModel(f'{path} is a link to "{target}", out of the model folder. Put the file itself there.')


def _blobs(root: Path) -> Path | None:
    """Where the Hub's cache keeps the files of this model's snapshots: models--ORG--NAME/{blobs,snapshots/COMMIT}."""
    repo = root.parent.parent
    is_snapshot = root.parent.name == "snapshots" and repo.name.startswith("models--")
    return repo / "blobs" if is_snapshot else None
