"""Data sets of the Hugging Face Hub as parts, through the `datasets` library; mirrors, tokens and caches are its own.

Only here may the data layer ask the network, and never when told to stay offline.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.data.part import CHUNK_ROWS, SAMPLE_ROWS, SPLIT_NAMES, Chunk, Part
from headstart.data.problems import quoted
from headstart.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset


def is_hub_id(text: str) -> bool:
    """Whether the text reads as a data set of the Hub: "hub:org/name", or "org/name" that could be no data file."""
    return re.fullmatch(r"hub:[\w.-]+(/[\w.-]+)?(#[\w.-]+)?|[\w-][\w.-]*/[\w-]+(#[\w.-]+)?", text) is not None


def open_hub(text: str, *, offline: bool) -> Mapping[str, Part]:
    """The splits of a Hub data set.

    Args:
        text: "hub:org/name" or "org/name"; "#config" behind it names one of its configurations.
        offline: Whether only what was downloaded before may be used; HF_HUB_OFFLINE has the same effect.

    Raises:
        DataError: It is not there, cannot be reached, or has no training split.
    """
    name, _, config = text.removeprefix("hub:").partition("#")
    loaded = _loaded(name, config or None, offline=offline)
    found = {SPLIT_NAMES[split]: data for split, data in loaded.items() if split in SPLIT_NAMES}
    if "train" not in found:
        raise DataError(f'The data set "{name}" has no split "train"; it has {quoted(loaded)}.')
    parts = {split: part_of(data, f"hub:{name} {split}") for split, data in found.items()}
    return {split: part for split, part in parts.items() if split == "train" or not _is_unlabelled(part)}


def _loaded(name: str, config: str | None, *, offline: bool) -> Mapping[str, Dataset]:
    import datasets

    is_offline = offline or datasets.config.HF_HUB_OFFLINE
    try:
        if is_offline:
            return _cached(name, config)
        # a count of downloads would go to a server that is neither the Hub nor its mirror
        datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
        return dict(datasets.load_dataset(name, config))
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        where = "was not downloaded before, and the network may not be asked" if is_offline else "could not be loaded"
        todo = "Run once without --offline and HF_HUB_OFFLINE" if is_offline else "Check the name and the connection"
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f'"{name}" is no file or folder here, and as a Hub data set it {where} ({reason}). {todo}, or give a path.'
        ) from error


def _cached(name: str, config: str | None) -> Mapping[str, Dataset]:
    # load_dataset decides by a variable read at import; its cache builder is the part of it that asks nobody.
    from datasets.packaged_modules.cache.cache import Cache

    builder = Cache(dataset_name=name.split("/")[-1], repo_id=name, config_name=config, version="auto", hash="auto")
    builder.download_and_prepare()
    return dict(builder.as_dataset())


def part_of(data: Dataset, name: str) -> Part:
    """One split as a part: numbered classes by their names, embedded images as files in the cache of
    `datasets`; what is recorded is left as bytes or a path."""
    import datasets

    for column, feature in data.features.items():
        if isinstance(feature, datasets.Image | datasets.Audio):
            data = data.cast_column(column, type(feature)(decode=False))
    start = data[:SAMPLE_ROWS]
    sample = {column: _plain(values, data.features[column]) for column, values in start.items()}
    if len(data) == 0:
        raise DataError(f"{name} has no rows.")
    return Part(name, tuple(data.column_names), sample, partial(_chunks, data))


def _chunks(data: Dataset, wanted: Sequence[str]) -> Iterator[Chunk]:
    columns = data.select_columns(list(wanted))
    for start in range(0, len(data), CHUNK_ROWS):
        batch = columns[start : start + CHUNK_ROWS]
        values = {column: _plain(batch[column], data.features[column]) for column in wanted}
        yield Chunk(range(start + 1, start + 1 + len(batch[wanted[0]])), values)


def _plain(values: Sequence[Any], feature: Any) -> list[Any]:
    import datasets

    if isinstance(feature, datasets.ClassLabel):
        return [feature.int2str(value) if value is not None and value >= 0 else None for value in values]
    if isinstance(getattr(feature, "feature", None), datasets.ClassLabel):
        return [None if value is None else _plain(value, feature.feature) for value in values]
    if isinstance(feature, datasets.Image):
        return [_file_of(value) for value in values]
    return list(values)


def _file_of(value: Mapping[str, Any] | None) -> str | None:
    """The path of an image; one that comes as bytes is first kept in the cache, under its hash."""
    import datasets

    if value is None or value["bytes"] is None:
        return value["path"] if value is not None else None
    digest = hashlib.sha256(value["bytes"]).hexdigest()
    path = Path(datasets.config.HF_DATASETS_CACHE, "headstart-images", digest + Path(value["path"] or ".png").suffix)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".partial")
        unfinished.write_bytes(value["bytes"])
        unfinished.replace(path)
    return str(path)


def _is_unlabelled(part: Part) -> bool:
    """Whether a column has no values at all, as the labels of test splits that are kept secret."""
    return any(all(value is None for value in values) for values in part.sample.values())
