"""A training with dropout and changing images that is killed at any moment ends with the weights it would have had."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import families

SCRIPT = Path(__file__).with_name("killed_views.py")
TIMES = 10


def test_ten_kills_of_ten_leave_the_weights_as_they_would_have_been(family: families.Family, tmp_path: Path) -> None:
    model = shutil.copytree(family("vit"), tmp_path / "vit")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "hidden_dropout_prob": 0.2}))
    images = families.pictures(tmp_path / "images", 40)
    command = [sys.executable, "-W", "error", str(SCRIPT), str(images), str(model), str(tmp_path / "fits"), str(TIMES)]
    # copies of a process whose threads have worked would wait for threads that they do not have
    subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)
    told = json.loads((tmp_path / "fits" / "told.json").read_text())
    assert told["equal"] == TIMES
    # a machine that is suddenly faster or slower lets some end before their moment, or begin after it
    assert told["killed"] >= 5
    assert told["resumed"] >= 2
