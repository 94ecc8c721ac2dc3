"""Vectors as files, written part by part so that memory stays flat: .npz, .parquet. A file appears complete or not."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.errors import OutputError

if TYPE_CHECKING:
    from headstart.encoding.parts import Encoding

Add = Callable[[Sequence[str], "Encoding"], None]
"""Takes the next items and what the model says of them."""


def writer_for(path: Path) -> Callable[[Path], AbstractContextManager[Add]]:
    """What writes such a file; asked before the work, so that a bad name costs nothing.

    Raises:
        OutputError: The file is there already, has no folder, or has another extension.
    """
    if path.suffix.lower() not in WRITERS:
        raise OutputError(f'"{path}" ends in none of {", ".join(WRITERS)}. Name the file for the format you want.')
    if path.exists():
        raise OutputError(f'"{path}" exists already. Choose another --out, or move it away.')
    if not path.parent.is_dir():
        raise OutputError(f'There is no folder "{path.parent}". Make it first, or choose another --out.')
    return WRITERS[path.suffix.lower()]


@contextmanager
def writing(path: Path) -> Iterator[Add]:
    """Gives a function that adds rows; the file gets its name when the block ends well."""
    writer, partial = writer_for(path), path.with_name(path.name + ".partial")
    try:
        with writer(partial) as add:
            yield add
        partial.replace(path)
    except OSError as error:
        raise OutputError(f'"{path}" cannot be written: {error.strerror}. Choose another --out.') from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _npz(path: Path) -> Iterator[Add]:
    """Arrays of equal rows; tokens of all rows stand end to end, those of row i from starts[i] to starts[i + 1]."""
    import numpy as np

    folder = path.with_name(path.name + ".arrays")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    columns: dict[str, _Column] = {}
    starts = [np.zeros(1, dtype=np.int64)]

    def add(items: Sequence[str], encoding: Encoding) -> None:
        for name, array in _flat(encoding).items():
            if name not in columns:
                columns[name] = _Column(folder / name)
            columns[name].add(array)
        if encoding.mask is not None:
            starts.append(starts[-1][-1] + np.cumsum(encoding.mask.sum(axis=1)))

    try:
        yield add
        if len(starts) > 1:
            columns["starts"] = _Column(folder / "starts")
            columns["starts"].add(np.concatenate(starts))
        with zipfile.ZipFile(path, "w") as archive:
            for name, column in columns.items():
                column.store(archive, name)
    finally:
        for column in columns.values():
            column.file.close()
        shutil.rmtree(folder, ignore_errors=True)


class _Column:
    """One array of the archive, its rows appended to a file until their number is known."""

    def __init__(self, path: Path) -> None:
        self.path, self.file, self.rows = path, path.open("wb"), 0
        self.shape: tuple[int, ...] = ()
        self.kind = ""

    def add(self, array: Any) -> None:
        array.tofile(self.file)
        self.rows, self.shape, self.kind = self.rows + len(array), array.shape[1:], array.dtype.str

    def store(self, archive: zipfile.ZipFile, name: str) -> None:
        """As NumPy's own format has it: a header with the shape, then the numbers."""
        from numpy.lib import format as npy

        self.file.close()
        with archive.open(f"{name}.npy", "w", force_zip64=True) as entry, self.path.open("rb") as rows:
            header = {"descr": self.kind, "fortran_order": False, "shape": (self.rows, *self.shape)}
            npy.write_array_header_2_0(entry, header)
            shutil.copyfileobj(rows, entry)


def _flat(encoding: Encoding) -> dict[str, Any]:
    """The arrays of a part by name; of tokens only the real ones."""
    arrays = {f"mean_{layer}": mean for layer, mean in zip(encoding.layers, encoding.means, strict=True)}
    if encoding.cls is not None:
        arrays["cls"] = encoding.cls
    kept = None if encoding.mask is None else encoding.mask.astype(bool)
    for layer, state in zip(encoding.layers, encoding.states, strict=False):
        arrays[f"hidden_{layer}"] = state if kept is None else state[kept]
    tokens = {"ids": encoding.ids, "where": encoding.where}
    return arrays | {name: array[kept] for name, array in tokens.items() if array is not None}


@contextmanager
def _parquet(path: Path) -> Iterator[Add]:
    """A row for each item: "item", "mean_L" and, where there are any, "cls", "ids", "where", "hidden_L" as lists."""
    from pyarrow import parquet

    writers: list[Any] = []

    def add(items: Sequence[str], encoding: Encoding) -> None:
        table = _table(items, encoding)
        if not writers:
            writers.append(parquet.ParquetWriter(path, table.schema))
        writers[0].write_table(table)

    try:
        yield add
    finally:
        for writer in writers:
            writer.close()


def _table(items: Sequence[str], encoding: Encoding) -> Any:
    """One part as an Arrow table; a map is a flat list, its shape in the field's metadata."""
    import numpy as np
    import pyarrow as pa

    columns: dict[str, Any] = {"item": pa.array(list(map(str, items)), pa.large_string())}
    starts = None if encoding.mask is None else np.concatenate([[0], np.cumsum(encoding.mask.sum(axis=1))])
    for name, array in _flat(encoding).items():
        is_by_token = starts is not None and name.startswith(("hidden_", "ids", "where"))
        width = int(np.prod(array.shape[1:], dtype=np.int64))
        values = pa.array(array.reshape(-1))
        rows = values if array.ndim == 1 else pa.FixedSizeListArray.from_arrays(values, width)
        columns[name] = pa.LargeListArray.from_arrays(pa.array(starts), rows) if is_by_token else rows
    return pa.table(columns)


WRITERS = {".npz": _npz, ".parquet": _parquet}
