"""Adapters of a network that is spread over two processes, beside weights that stay as they are."""

from __future__ import annotations

from pathlib import Path

import families
import launched


def test_two_processes_learn_the_adapters_that_one_learns(family: families.Family, tmp_path: Path) -> None:
    model = str(launched.sober(family("bert"), tmp_path / "sober"))
    settings = {"strategy": "lora", "epochs": 2, "precision": "float32", "batch_size": 16}
    launched.start(tmp_path, learns={"adapters": {"model": model, "shard": True, **settings}})
    launched.alike(tmp_path, "adapters", launched.learnt("adapters", model, **settings))
