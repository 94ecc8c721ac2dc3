"""What is looked at before a TensorFlow SavedModel is loaded: its files, and every operation of its graphs.

Loading a SavedModel runs parts of its graphs, which may read and write files or call code. Nothing is loaded here.

Source: the protocol buffers of TensorFlow (saved_model.proto, saved_object_graph.proto), and TensorFlow's SECURITY.md,
"TensorFlow models are programs".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from headstart.errors import ModelError, ModelNotFound, UnsafeModel
from headstart.sources.safety import model_folder

FILE = "saved_model.pb"
ACTS = re.compile(
    "File|Reader|Dataset|PyFunc|Summary|Print|Debug|Rpc|Save|Restore|Checkpoint|Snapshot|Remote|DataService|Import"
    "|ImmutableConst|RemapMatrix|VocabRemapping|Proto|XlaCall|XlaCustom|XlaLaunch|Send|Recv|Collective|Queue|Executor|Abort"
)
"""In the names of the operations that touch files, sockets, other processes or code outside of the graph."""
HARMLESS = {"LookupTableImportV2"}
"""Names that only look so."""
TABLES = {"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"}
"""Read a vocabulary; allowed of the model's own assets, whose paths TensorFlow puts in, not of paths in the graph."""
CHECKPOINTS = {
    *("SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename", "SaveSlices", "RestoreSlice", "Save", "Restore"),
}
"""Allowed where TensorFlow's own saving and restoring functions have them, which nothing of the model may call."""
SAVERS = re.compile(r"__inference__traced_(save|restore)_\d+")


def fingerprints(folder: Path) -> dict[str, str]:
    """The digest of every file of a SavedModel, by its path in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): model_folder.sha256(path) for path in files}


def digest(fingerprints: dict[str, str]) -> str:
    """One digest of them all."""
    return hashlib.sha256(
        "\n".join(f"{name} {found}" for name, found in sorted(fingerprints.items())).encode()
    ).hexdigest()


def verify(folder: Path) -> None:
    """Refuses a SavedModel that could touch files, network or code, before TensorFlow loads it.

    Raises:
        ModelNotFound: There is none in the folder.
        ModelError: It cannot be parsed.
        UnsafeModel: A file lies elsewhere, or an operation of a graph acts on more than the numbers.
    """
    if not (folder / FILE).is_file():
        raise ModelNotFound(f'"{folder}" has no {FILE}. Give the folder of a TensorFlow 2 SavedModel.')
    for path in folder.rglob("*"):
        if not path.resolve().is_relative_to(folder.resolve()):
            raise UnsafeModel(
                f'"{path}" leads out of its folder; the model is refused. Use a copy with the files in it.'
            )
    for graph in _parsed(folder / FILE).meta_graphs:
        if not graph.object_graph_def.nodes:
            raise ModelError(
                f'"{folder}" is a SavedModel of TensorFlow 1, which is run otherwise. Use one of TensorFlow 2.'
            )
        for asset in graph.asset_file_def:
            where = PurePosixPath(asset.filename)
            if where.is_absolute() or ".." in where.parts:
                raise UnsafeModel(
                    f'{folder / FILE}: the asset "{asset.filename}" lies elsewhere; the model is refused.'
                )
        for operation, place in _acting(graph):
            raise UnsafeModel(
                f'{folder / FILE}: the operation "{operation}" in {place} can act on files, network or code; '
                f"the model is refused. Use another."
            )


def _parsed(path: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    found = saved_model_pb2.SavedModel()
    try:
        found.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ModelError(f'"{path}" is not a SavedModel ({error}). Is the download complete?') from error
    return found


def _acting(graph: Any) -> Iterator[tuple[str, str]]:
    """Operations that are refused, and the function each is in."""
    functions = graph.graph_def.library.function
    savers = _savers(graph)
    for node in graph.graph_def.node:
        # TensorFlow 2 does not run this graph: it restores the variables itself
        if _acts(node) and node.op not in CHECKPOINTS:
            yield node.op, "the main graph"
    for function in functions:
        name = function.signature.name
        constants = {node.name for node in function.node_def if node.op == "Const"}
        for node in function.node_def:
            is_saver = name in savers and node.op in CHECKPOINTS
            if _acts(node) and not is_saver:
                yield node.op, f'"{name}"'
            elif node.op in TABLES and node.input[1].partition(":")[0] in constants:
                yield node.op, f'"{name}", which names a file of its own,'


def _acts(node: Any) -> bool:
    return ACTS.search(node.op) is not None and node.op not in HARMLESS | TABLES


def _savers(graph: Any) -> set[str]:
    """TensorFlow's functions for checkpoints: so named, and neither part of the model nor called by anything of it."""
    functions = graph.graph_def.library.function
    nodes = [node for function in functions for node in function.node_def]
    called = {node.op for node in nodes} | {found.gradient_func for found in graph.graph_def.library.gradient}
    for value in (value for node in nodes for value in node.attr.values()):
        called |= {value.func.name, *(function.name for function in value.list.func)}
    own = set(graph.object_graph_def.concrete_functions)
    names = {function.signature.name for function in functions}
    return {name for name in names if SAVERS.fullmatch(name)} - called - own
