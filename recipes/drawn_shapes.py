"""Trains the starter `shapes-resnet` to tell randomly drawn shapes apart, and measures what that is worth elsewhere.

    python recipes/drawn_shapes.py train --out my-starter
    python recipes/drawn_shapes.py probe my-starter

What is drawn lives in `drawing.py`, the measuring in `probing.py`.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import click
import drawing
import probing
import torch
from torch import Tensor
from transformers import ResNetConfig, ResNetForImageClassification

SIZE = 32
PROCESSOR = {
    "image_processor_type": "ViTImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"height": SIZE, "width": SIZE},
    "resample": 3,  # bicubic
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}


def network(classes: int, seed: int) -> ResNetForImageClassification:
    """A ResNet of three stages with random weights, whose last map is 2 by 2 for a picture of 32 by 32."""
    torch.manual_seed(seed)
    config = ResNetConfig(
        num_channels=3,
        embedding_size=32,
        hidden_sizes=[32, 64, 128],
        depths=[1, 1, 1],
        layer_type="basic",
        downsample_in_first_stage=False,
        num_labels=classes,
        id2label={i: f"shape_{i:03d}" for i in range(classes)},
        label2id={f"shape_{i:03d}": i for i in range(classes)},
    )
    return ResNetForImageClassification(config)


def train(
    classes: int, steps: int, *, batch: int = 256, lr: float = 4e-3, seed: int = 0, device: str = "cpu"
) -> ResNetForImageClassification:
    """The network after learning to name the class of pictures that are drawn once each and never seen again.

    Args:
        classes: How many shapes.
        steps: How many batches.
        batch: Pictures a batch.
        lr: The highest learning rate of the one cycle.
        seed: Of the shapes, the views, and the weights.
        device: Where it runs; bfloat16 is used inside either way.
    """
    model = network(classes, seed).to(device, memory_format=torch.channels_last).train()
    drawn = drawing.shapes(classes, seed)
    drawn = drawing.Shapes(drawn.points.to(device), drawn.is_closed.to(device))
    generator = torch.Generator(device).manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.2)
    began, seen = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        labels = torch.randint(classes, (batch,), generator=generator, device=device)
        loss, right = _step(model, drawing.views(drawn, labels, generator, size=SIZE), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        seen += right / min(200, steps)
        if step % 200 == 0 or step == steps:
            rate = step * batch / (time.monotonic() - began)
            click.echo(f"step {step}/{steps}  loss {loss.item():.3f}  accuracy {seen:.3f}  {rate:.0f} pictures/s")
            seen = 0.0
    return model.eval().to("cpu", memory_format=torch.contiguous_format)


def _step(model: ResNetForImageClassification, pixels_B3SS: Tensor, labels_B: Tensor) -> tuple[Tensor, float]:
    """The smoothed loss of a batch and the part of it that was named rightly."""
    scaled = ((pixels_B3SS - 0.5) / 0.5).contiguous(memory_format=torch.channels_last)
    with torch.autocast(labels_B.device.type, torch.bfloat16):
        logits_BC = model(pixel_values=scaled).logits
    loss = torch.nn.functional.cross_entropy(logits_BC.float(), labels_B, label_smoothing=0.1)
    return loss, (logits_BC.argmax(1) == labels_B).float().mean().item()


def save(model: ResNetForImageClassification, folder: Path) -> None:
    """Writes an ordinary model folder: config.json, model.safetensors, preprocessor_config.json."""
    model.save_pretrained(folder)
    text = json.dumps(PROCESSOR, indent=2) + "\n"
    (folder / "preprocessor_config.json").write_text(text, encoding="utf-8")


@click.group()
def main() -> None:
    """Make and measure the starter of drawn shapes."""


@main.command("train")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--classes", default=448, show_default=True, help="How many shapes to tell apart.")
@click.option("--steps", default=8400, show_default=True, help="How many batches.")
@click.option("--batch", default=256, show_default=True, help="Pictures a batch.")
@click.option("--lr", default=4e-3, show_default=True, help="Highest learning rate.")
@click.option("--seed", default=0, show_default=True, help="Of shapes, views and weights.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
def train_command(out: Path, classes: int, steps: int, batch: int, lr: float, seed: int, device: str) -> None:
    """Draw, learn, and write the model folder."""
    save(train(classes, steps, batch=batch, lr=lr, seed=seed, device=device), out)
    click.echo(f"wrote {out}")


@main.command("probe")
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--images", type=click.Path(path_type=Path, exists=True), help="Folder per class; else the digits.")
@click.option("--held-out", is_flag=True, help="Judge on the half of the images that no choice may look at.")
@click.option("--seeds", default=3, show_default=True, help="How many draws of the labelled images.")
def probe_command(folder: Path, images: Path | None, held_out: bool, seeds: int) -> None:
    """Accuracy by labels: this folder, the same network untrained, and raw pixels."""
    real = probing.digits() if images is None else probing.photos(images)
    for line in probing.table(folder, real, held_out=held_out, seeds=seeds):
        click.echo(line)


if __name__ == "__main__":
    main()
