"""Finds discs and squares: draws pictures of them, learns where they are, says what that was worth, and finds them."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

import headstart

SIZE = (128, 96)


def drawn(folder: Path, num: int) -> Path:
    """A folder of pictures and a metadata.jsonl that says what is where in each."""
    folder.mkdir(parents=True)
    rng, lines = random.Random(0), []
    for number in range(num):
        picture, objects = Image.new("RGB", SIZE, (rng.randint(190, 240),) * 3), []
        for column in rng.sample(range(3), rng.randint(1, 3)):
            kind, side = rng.choice(("disc", "square")), rng.randint(20, 36)
            left, top = 42 * column + rng.randint(0, 5), rng.randint(0, SIZE[1] - side)
            draw = ImageDraw.Draw(picture)
            fill = draw.ellipse if kind == "disc" else draw.rectangle
            fill((left, top, left + side - 1, top + side - 1), fill=tuple(rng.randint(0, 120) for _ in range(3)))
            objects.append({"label": kind, "box": [left, top, left + side, top + side]})
        picture.save(folder / f"{number}.png")
        lines.append(json.dumps({"file_name": f"{number}.png", "objects": objects}))
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    return folder


def main(model: str | None = None, epochs: str = "15") -> None:
    """Fits layers on the best model of images on this machine, unless another is named, and asks it."""
    with tempfile.TemporaryDirectory() as folder:
        data = drawn(Path(folder) / "shapes", 48)
        run = headstart.fit(
            data,
            out=Path(folder) / "run",
            model=model,
            offline=True,
            strategy="full",
            epochs=int(epochs),
            lr=5e-3,
            batch_size=8,
            head_width=32,
            image_scale="1",
        )
        print(run.scores["verdict"])
        (answer,) = headstart.load(run.folder).predict([str(data / "0.png")])
    for one in answer["boxes"]:
        if one["score"] >= 0.5:
            print(f"{one['label']:6} {one['score']:.2f}  from {one['box'][:2]} to {one['box'][2:]}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
