"""Views of training rows: the same wherever they are asked for, true to what they change, and targets that say so."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image

import families
from headstart import answering, plug
from headstart.contracts import Inputs, Rows
from headstart.errors import MismatchError
from headstart.progress import Advance, Event, Note, silent
from headstart.settings import FitSettings, Recipe
from headstart.sources import dir as folders
from headstart.sources.items.compact import EncodedImages
from headstart.train import job, learn, views
from headstart.train.views import Views

KINDS = ("crop", "flip", "color", "mixup", "cutmix")
CLASSES = 3


def as_they_are(images: list[Any], return_tensors: str) -> dict[str, torch.Tensor]:
    """A processor that leaves pixels as they are, shape (B, 3, H, W)."""
    return {"pixel_values": torch.from_numpy(np.stack([np.asarray(image) for image in images])).movedim(3, 1).float()}


def of(*names: str, seed: int = 0, images: list[Any] | None = None) -> Views:
    """Eight rows of noise and of three classes."""
    noise = np.random.default_rng(1).integers(0, 256, (8, 20, 30, 3), dtype=np.uint8)
    rows = EncodedImages(as_they_are, tuple(noise if images is None else images))
    return Views(rows, lambda items, _: torch.as_tensor(items) % CLASSES, CLASSES, names, seed)


def pixels(seen: Views, rows: list[int], epoch: int) -> torch.Tensor:
    return seen.take(rows, epoch)[0].tensors["pixel_values"]


@pytest.mark.parametrize("kind", ["crop", "flip", "color"])
def test_the_view_of_a_row_depends_on_nothing_but_seed_epoch_and_row(kind: str) -> None:
    alone = torch.cat([pixels(of(kind), [row], 3) for row in range(8)])
    np.random.seed(5)
    seen = of(kind)
    seen.take([4, 4, 2], 7)
    assert pixels(seen, [6, 1, 3], 3).equal(alone[[6, 1, 3]])


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_comes_again_to_the_bit(kind: str) -> None:
    (first, targets), (again, same) = (of(kind).take([5, 2, 7, 0], 2) for _ in range(2))
    assert first.tensors["pixel_values"].equal(again.tensors["pixel_values"])
    assert targets.equal(same)


@pytest.mark.parametrize("kind", KINDS)
def test_another_epoch_and_another_seed_look_different(kind: str) -> None:
    rows = list(range(8))
    looks = [pixels(of(kind, seed=seed), rows, epoch) for seed, epoch in ((0, 1), (0, 2), (1, 1))]
    assert not looks[0].equal(looks[1])
    assert not looks[0].equal(looks[2])


def test_rows_of_one_epoch_look_different() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    first, second = pixels(of("crop", images=[image] * 2), [0, 1], 1)
    assert not first.equal(second)


def test_without_names_rows_are_as_they_are() -> None:
    inputs, targets = of().take([3, 1], 1)
    assert inputs.tensors["pixel_values"].equal(of().encoded.take([3, 1]).tensors["pixel_values"])
    assert targets.tolist() == [0, 1]


def test_a_flip_mirrors_about_half_of_the_rows_and_no_more() -> None:
    seen = of("flip")
    whole = pixels(of(), list(range(8)), 1)
    mirrored = 0
    for epoch in range(1, 26):
        for ours, before in zip(pixels(seen, list(range(8)), epoch), whole, strict=True):
            assert ours.equal(before) or ours.equal(before.flip(-1))
            mirrored += not ours.equal(before)
    # 200 fair coins: 4 standard deviations about 100
    assert 72 <= mirrored <= 128


def test_a_crop_keeps_four_fifths_of_the_area_at_least_and_the_size() -> None:
    ramp = np.zeros((100, 100, 3), dtype=np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(100)[None], np.arange(100)[:, None]
    seen, areas = of("crop", images=[ramp] * 40), []
    for ours in pixels(seen, list(range(40)), 1):
        assert ours.shape == (3, 100, 100)
        wide, high = (float(ours[channel].max() - ours[channel].min() + 1) for channel in (0, 1))
        areas.append(wide * high / 100**2)
        assert views.SQUEEZE**2 - 0.05 < wide / high < views.SQUEEZE**-2 + 0.05
    # a pixel is lost or won at each edge by rounding
    assert views.LEAST_AREA - 0.04 < min(areas) < 0.85
    assert max(areas) > 0.95


def test_colours_change_within_their_bounds() -> None:
    grey = np.full((8, 8, 3), 100, dtype=np.uint8)
    levels = pixels(of("color", images=[grey] * 60), list(range(60)), 1)[:, 0, 0, 0]
    # contrast and saturation leave plain grey as it is, brightness takes it by 0.8 to 1.2
    assert 80 <= levels.min() < 90
    assert 110 < levels.max() <= 120


def test_one_change_does_not_alter_what_another_draws() -> None:
    both, crop = (pixels(of(*names), [0, 1, 2, 3], 1) for names in (("crop", "flip"), ("crop",)))
    assert all(a.equal(b) or a.equal(b.flip(-1)) for a, b in zip(both, crop, strict=True))


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_targets_are_shares_of_what_is_in_the_picture(kind: str) -> None:
    levels = [0, 100, 200]
    images = [np.full((10, 10, 3), level, dtype=np.uint8) for level in levels]
    for epoch in range(1, 20):
        inputs, shares = of(kind, images=images).take([0, 1, 2], epoch)
        means = inputs.tensors["pixel_values"].mean(dim=(1, 2, 3))
        # every class has its own level, so the mean level is the expectation over the shares
        torch.testing.assert_close(means, shares @ torch.tensor([float(level) for level in levels]))
        torch.testing.assert_close(shares.sum(dim=1), torch.ones(3))


def test_cutmix_leaves_every_pixel_as_it_was_in_one_of_two_pictures() -> None:
    inputs, _ = of("cutmix", images=[np.full((10, 10, 3), 7 * n, dtype=np.uint8) for n in range(8)]).take(range(8), 2)
    assert all(len(row.unique()) <= 2 for row in inputs.tensors["pixel_values"])


def test_of_two_ways_to_mix_both_occur() -> None:
    images = [np.full((10, 10, 3), 60 * n, dtype=np.uint8) for n in range(3)]
    seen = of("mixup", "cutmix", images=images)
    kinds = set()
    for epoch in range(1, 30):
        found = seen.take([0, 1, 2], epoch)[0].tensors["pixel_values"]
        kinds.add("cutmix" if any(len(row.unique()) == 2 for row in found) else "mixup")
    assert kinds == {"mixup", "cutmix"}


def test_the_loss_of_shares_is_the_share_of_the_losses() -> None:
    task: Any = plug.load("tasks", "image-classification")
    output = torch.randn(4, CLASSES, generator=torch.Generator().manual_seed(0))
    first, second = torch.tensor([0, 1, 2, 0]), torch.tensor([1, 1, 0, 2])
    shares = 0.3 * torch.nn.functional.one_hot(first, 3) + 0.7 * torch.nn.functional.one_hot(second, 3)
    for given in ({}, {"weights": torch.tensor([1.0, 2.0, 3.0])}, {"smoothing": 0.1}):
        expected = 0.3 * task.loss(output, first, **given) + 0.7 * task.loss(output, second, **given)
        torch.testing.assert_close(task.loss(output, shares, **given), expected)


def test_a_source_that_opens_no_pictures_is_refused() -> None:
    class Tensors:
        lengths = np.ones(2, dtype=np.int64)

        def take(self, rows: Any) -> Inputs:
            return Inputs({"pixel_values": torch.zeros(len(rows), 3, 4, 4)})

    closed: Any = Tensors()
    with pytest.raises(MismatchError, match="--augment none"):
        Views(closed, lambda rows, _: torch.zeros(len(rows)), 2, ("crop",)).take([0], 1)
    assert len(Views(closed, lambda rows, _: torch.zeros(len(rows)).long(), 2, ("mixup",)).take([0, 1], 1)[1]) == 2


@pytest.mark.parametrize(
    ("augment", "modality", "boundary", "expected"),
    [
        ("auto", "image", 0, ("crop",)),
        ("auto", "image", 2, ()),
        ("auto", "text", 0, ()),
        ("none", "image", 0, ()),
        ("flip, crop", "image", 2, ("crop", "flip")),
        ("flip", "text", 0, ()),
    ],
)
def test_what_is_chosen(augment: str, modality: str, boundary: int, expected: tuple[str, ...]) -> None:
    assert views.chosen(FitSettings(augment=augment), modality=modality, boundary=boundary) == expected


# ------------------------------------------------------------------------------------------------------ whole runs


@pytest.fixture
def made(family: families.Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., job.Job]:
    """Gives a job on a few pictures of two colours."""
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    backbone = folders.load(str(family("resnet")), revision=None, offline=True)
    files = sorted(families.pictures(family("resnet").parent / "views", 16).rglob("*.png"))
    rows = Rows(pa.table({"image": list(map(str, files)), "label": [file.parent.name for file in files]}))
    task = plug.load("tasks", "image-classification")

    def make(listener: Callable[[Event], None], **given: Any) -> job.Job:
        settings = FitSettings(**{"precision": "float32", "batch_size": 8, **given})
        recipe = Recipe(epochs=2, lr=1e-3, patience=2)
        return job.Job(task, task.learn(rows), backbone, rows, rows, settings, recipe, listener)

    return make


def learnt_by(one: job.Job) -> tuple[learn.Learnt, torch.Tensor]:
    strategy = plug.load("strategies", one.settings.strategy)
    torch.manual_seed(0)
    learnt = learn.learn(one, strategy.stages(one.backbone, one.settings), strategy)
    return learnt, answering.by_row(learnt.network, one.encoded(one.train))


@pytest.mark.parametrize("augment", [*KINDS, "crop,flip,color,mixup,cutmix"])
def test_every_change_reaches_the_training(augment: str, made: Callable[..., job.Job]) -> None:
    plain, changed = (learnt_by(made(silent, strategy="full", augment=each))[1] for each in ("none", augment))
    assert torch.isfinite(changed).all()
    assert not torch.allclose(plain, changed, atol=1e-6)


def test_what_was_used_is_said(made: Callable[..., job.Job]) -> None:
    events: list[Event] = []
    learnt, _ = learnt_by(made(events.append, strategy="full"))
    assert learnt.augment == ("crop",)
    assert Note("Training images are changed anew in each epoch: crop.") in events


def test_named_changes_turn_the_cache_of_states_off_and_say_so(made: Callable[..., job.Job], tmp_path: Path) -> None:
    events: list[Event] = []
    learnt_by(made(events.append, strategy="top", top=1, augment="flip"))
    said = [event.text for event in events if isinstance(event, Note)]
    assert any(text.startswith("Training images are changed anew in each epoch: flip. So what") for text in said)
    assert not list((tmp_path / "cache").rglob("*.npy"))


def test_of_several_stages_only_the_last_crops_unless_named(made: Callable[..., job.Job], tmp_path: Path) -> None:
    events: list[Event] = []
    learnt, _ = learnt_by(made(events.append, strategy="gradual"))
    assert learnt.augment == ("crop",)
    assert sum("changed anew" in event.text for event in events if isinstance(event, Note)) == 1
    assert list((tmp_path / "cache").rglob("*.npy"))


def test_without_names_states_are_kept_and_nothing_is_changed(made: Callable[..., job.Job], tmp_path: Path) -> None:
    learnt, _ = learnt_by(made(silent, strategy="top", top=1))
    assert learnt.augment == ()
    assert list((tmp_path / "cache").rglob("*.npy"))


def test_a_killed_run_goes_on_with_the_same_views(made: Callable[..., job.Job], tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def kill(event: Event) -> None:
        if isinstance(event, Advance) and event.done == 3:
            raise Killed

    given = {"strategy": "full", "augment": ",".join(KINDS), "checkpoint_steps": 1}
    _, whole = learnt_by(made(silent, **given))
    with pytest.raises(Killed):
        learnt_by(dataclasses.replace(made(kill, **given), around=learn.Around(tmp_path / "kept")))
    _, resumed = learnt_by(dataclasses.replace(made(silent, **given), around=learn.Around(tmp_path / "kept")))
    assert resumed.equal(whole)


def test_pictures_are_not_modified() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8))
    before = image.tobytes()
    views.seen(image, views.OF_A_PICTURE, (0, 1, 2))
    assert image.tobytes() == before
