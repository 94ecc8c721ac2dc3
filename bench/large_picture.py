"""The memory that predict takes for a picture of 6,000 x 4,000 pixels, with a decoder on MobileNet that learnt nothing.

Usage: python bench/large_picture.py [SIDE]
Prints seconds and the peak of resident memory of the process that predicts; SIDE is that of a tile, 512 by default.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import tasks

SIZE = (6000, 4000)
PREDICT = """
import json, resource, sys, time
from headstart import model
fitted = model.load(sys.argv[1])
start = time.perf_counter()
(answer,) = fitted.predict([sys.argv[2]])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
size = [answer["width"], answer["height"]]
print(json.dumps({"seconds": time.perf_counter() - start, "peak_mib": peak, "size": size}))
"""


def saved(folder: Path, side: int) -> None:
    """A model of three classes with fresh layers."""
    import numpy as np
    from PIL import Image

    from headstart.contracts import Frame
    from headstart.heads import form
    from headstart.model import Model
    from headstart.network import Headed
    from headstart.sources import dir as folders
    from headstart.tasks import semantic_segmentation as task
    from headstart.tasks.pixels.painted import Shown
    from headstart.train import placed

    backbone = folders.load(str(tasks.MOBILENET), revision=None, offline=True)
    frame = Frame(side, 1.0)
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    maps = placed.maps_of(backbone, backbone.prepare([Image.fromarray(noise)], frame=frame))
    made = form.Form("maps", sum(maps[1]), None, 96, widths=tuple(maps[1]), strides=tuple(maps[2]))
    network = Headed(backbone, maps[0], task.layers(made, 3), made)
    Model("semantic-segmentation", Shown(("a", "b", "c"), ("0", "1", "2")), backbone, network, frame=frame).save(folder)


def main() -> None:
    """Measures once."""
    import numpy as np
    from PIL import Image

    side = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    with tempfile.TemporaryDirectory() as place:
        model, picture = Path(place) / "model", Path(place) / "large.jpg"
        saved(model, side)
        small = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(small).resize(SIZE, Image.Resampling.BICUBIC).save(picture, quality=90)
        command = [sys.executable, "-c", PREDICT, str(model), str(picture)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{found['size']} pixels in tiles of {side}: {found['seconds']:.0f} s, {found['peak_mib']:,.0f} MiB at most")


if __name__ == "__main__":
    main()
