"""A model with only its lowest blocks: what its config says of their number, changed before the model is built."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from headstart import stack
from headstart.contracts import Ref
from headstart.errors import MismatchError

COUNTS = ("num_hidden_layers", "n_layers", "num_layers", "encoder_layers", "encoder_num_hidden_layers")
"""Where configs say how many blocks there are."""
STAGES = ("depths", "hidden_sizes")
"""Lists with an entry for each stage, where a block is a stage of layers."""
OF_A_BLOCK = re.compile(rf"(?:^|\.)(?:{'|'.join(map(re.escape, stack.BLOCKS))})\.([0-9]+)\.")


def verify(ref: Ref, blocks: int, num_blocks: int, *, can_be_shorter: bool = True) -> None:
    """Raises `MismatchError` for more blocks than there are, or fewer of a model that stays as it is."""
    if blocks > num_blocks:
        raise MismatchError(f'--blocks {blocks}: "{ref}" has {num_blocks}. Give at most that, or leave it out.')
    if blocks < num_blocks and not can_be_shorter:
        raise MismatchError(
            f'--blocks {blocks}: "{ref}" is built by code that always gives all {num_blocks} blocks. '
            f"Leave --blocks out, or read a lower layer, as in --read {blocks}."
        )


def overrides(folder: Path, blocks: int | None) -> dict[str, Any]:
    """The entries of the config that make it one of so many blocks; none where all are kept.

    Raises:
        MismatchError: The config does not say how many there are.
    """
    if blocks is None:
        return {}
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    count = next((name for name in COUNTS if isinstance(config.get(name), int)), None)
    if all(isinstance(config.get(name), list) for name in STAGES):
        return _of_stages(config, blocks)
    if count is None or "depths" in config:
        raise MismatchError(
            f'--blocks {blocks}: the config in "{folder}" does not say how many blocks a {config.get("model_type")} '
            f"has, so it cannot be made shorter. Leave --blocks out, or read a lower layer, as in --read {blocks}."
        )
    kinds = {"layer_types": config["layer_types"][:blocks]} if isinstance(config.get("layer_types"), list) else {}
    return {count: blocks, **kinds}


def _of_stages(config: dict[str, Any], blocks: int) -> dict[str, Any]:
    """The same of a family of maps, which also names its stages; the last is what a classifier reads."""
    names = ["stem", *(f"stage{number}" for number in range(1, blocks + 1))]
    lists = {name: config[name][:blocks] for name in STAGES}
    count = {"num_stages": blocks} if "num_stages" in config else {}
    return {**lists, **count, "stage_names": names, "out_features": names[-1:], "out_indices": [blocks]}


def without_higher(names: Iterable[str], blocks: int | None) -> list[str]:
    """The names of weights that are not those of a block above the ones that are kept."""
    found = {name: OF_A_BLOCK.search(name) for name in names}
    return [name for name, match in found.items() if blocks is None or match is None or int(match[1]) < blocks]
