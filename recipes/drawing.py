"""Shapes made of random numbers and pictures of them: a class is a random curve, a view is a random way to draw it.

Nothing is learned, stored or downloaded here, and no letter, digit or font is drawn; training is in `drawn_shapes.py`.
"""

# C classes, B pictures, P points on a curve, S pixels a side, N pixels in a picture (S * S)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

Curve = npt.NDArray[np.float64]

# At 32 pixels a side, neighbours on the longest curve are 0.8 pixels apart: too close to show as beads.
POINTS = 96
LONGEST = 7.5
DENSE = 400


@dataclass(frozen=True)
class Shapes:
    """Classes of shape: the points of each curve, shape (C, P, 2), and whether it encloses something, shape (C,)."""

    points: Tensor
    is_closed: Tensor

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True)
class Style:
    """How much views of one class differ; lengths in half-widths of the picture, probabilities between 0 and 1."""

    rotation: float = 0.3
    shear: float = 0.25
    scale: tuple[float, float] = (0.5, 0.95)
    stretch: float = 0.25
    shift: float = 0.25
    warp: float = 0.18
    thickness: tuple[float, float] = (0.04, 0.16)
    softness: tuple[float, float] = (1.0, 3.5)
    fill: float = 0.3
    colour: float = 0.5
    coarse: float = 0.4
    occlusion: float = 0.15
    noise: float = 0.08


# ------------------------------------------------------------------------------------------------------- classes


def shapes(count: int, seed: int) -> Shapes:
    """Random classes: half of them glyphs of Bezier strokes, the rest contours, polygons, zigzags and loops.

    Args:
        count: How many classes.
        seed: The same seed gives the same classes, and more classes begin with the fewer.
    """
    rng = np.random.default_rng(seed)
    kinds = (glyph, contour, glyph, polygon, glyph, zigzag, glyph, loop)
    curves = [_evenly(kinds[i % len(kinds)], rng) for i in range(count)]
    is_closed = [kinds[i % len(kinds)] in (contour, polygon) for i in range(count)]
    return Shapes(torch.tensor(np.stack(curves), dtype=torch.float32), torch.tensor(is_closed))


def glyph(rng: np.random.Generator) -> list[Curve]:
    """One to four Bezier strokes; most begin on an earlier one, as strokes of writing do."""
    strokes: list[Curve] = []
    for _ in range(rng.integers(1, 5)):
        control = rng.uniform(-1.2, 1.2, (rng.integers(2, 7), 2))
        if strokes and rng.random() < 0.7:
            earlier = strokes[rng.integers(len(strokes))]
            control[0] = earlier[rng.integers(len(earlier))]
        strokes.append(_bezier(control))
    return strokes


def contour(rng: np.random.Generator) -> list[Curve]:
    """A closed line around the centre whose radius is a sum of a few harmonics."""
    angle = np.linspace(0, 2 * np.pi, DENSE)
    order = np.arange(1, 8)
    height = rng.normal(0, 0.5, order.size) / order**0.7
    phase = rng.uniform(0, 2 * np.pi, order.size)
    radius = 1 + (height[:, None] * np.cos(order[:, None] * angle + phase[:, None])).sum(0)
    return [np.maximum(radius, 0.1)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)]


def polygon(rng: np.random.Generator) -> list[Curve]:
    """A closed polygon around the centre, three to eight corners, seldom convex."""
    corners = int(rng.integers(3, 9))
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    corner = rng.uniform(0.35, 1, (corners, 1)) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return [_through(np.concatenate([corner, corner[:1]]))]


def zigzag(rng: np.random.Generator) -> list[Curve]:
    """One or two open chains of straight lines, free to cross."""
    return [_through(rng.uniform(-1, 1, (rng.integers(2, 6), 2))) for _ in range(rng.integers(1, 3))]


def loop(rng: np.random.Generator) -> list[Curve]:
    """A smooth line that turns back on itself: two slow waves across, two down, a spiral's growth over all."""
    time = np.linspace(0, 2 * np.pi * rng.uniform(0.7, 1.0), DENSE)
    waves = rng.integers(1, 4, (2, 2, 1))
    phase = rng.uniform(0, 2 * np.pi, (2, 2, 1))
    height = rng.uniform(0.3, 1, (2, 2, 1))
    growth = 1 - rng.uniform(0, 0.8) * np.linspace(0, 1, DENSE)
    return [((height * np.sin(waves * time + phase)).sum(1) * growth).T]


def _bezier(control: Curve) -> Curve:
    """Points of the Bezier curve with these control points, by de Casteljau's halving of them."""
    time = np.linspace(0, 1, DENSE)[:, None, None]
    level = np.broadcast_to(control, (DENSE, *control.shape))
    while level.shape[1] > 1:
        level = (1 - time) * level[:, :-1] + time * level[:, 1:]
    return level[:, 0]


def _through(corner: Curve) -> Curve:
    """Straight lines from corner to corner."""
    at = np.linspace(0, len(corner) - 1, DENSE)
    return np.stack([np.interp(at, np.arange(len(corner)), corner[:, axis]) for axis in (0, 1)], axis=1)


def _evenly(kind: Callable[[np.random.Generator], list[Curve]], rng: np.random.Generator) -> Curve:
    """A curve of that kind that fits the square from -1 to 1, as points at equal distances along its strokes."""
    while True:
        strokes = kind(rng)
        curve = np.concatenate(strokes)
        low, high = curve.min(0), curve.max(0)
        curve = (curve - (low + high) / 2) / ((high - low).max() / 2)
        step = np.linalg.norm(np.diff(curve, axis=0), axis=1)
        # The pen is lifted between strokes, so that jump has no length and receives no points.
        step[np.cumsum([len(stroke) for stroke in strokes])[:-1] - 1] = 0
        length = np.concatenate([[0], step.cumsum()])
        if 1.5 < length[-1] < LONGEST:
            at = np.linspace(0, length[-1], POINTS)
            return np.stack([np.interp(at, length, curve[:, axis]) for axis in (0, 1)], axis=1)


# --------------------------------------------------------------------------------------------------------- views


def views(
    drawn: Shapes, labels: Tensor, generator: torch.Generator, *, size: int = 32, style: Style | None = None
) -> Tensor:
    """A fresh picture of each class asked for.

    Args:
        drawn: The classes.
        labels: Which class each picture shows, shape (B,).
        generator: Where the randomness comes from; on the device of `drawn`.
        size: Pixels a side.
        style: How much views differ.

    Returns:
        Pixels between 0 and 1, shape (B, 3, size, size).
    """
    style = style or Style()
    points_BP2 = _moved(drawn.points[labels], generator, style)
    is_filled_B = drawn.is_closed[labels] & (_uniform(generator, len(labels)) < style.fill)
    ink_BSS = _ink(points_BP2, is_filled_B, generator, size=size, style=style)
    return _photographed(_coloured(ink_BSS, generator, style), generator, style)


def _moved(points_BP2: Tensor, generator: torch.Generator, style: Style) -> Tensor:
    """The points after a smooth warp, a turn, a slant, a stretch, a scaling and a shift."""
    rows = len(points_BP2)
    wave_B22, phase_B12 = 2 * _normal(generator, rows, 2, 2), 6.28 * _uniform(generator, rows, 1, 2)
    points_BP2 = points_BP2 + style.warp * torch.sin(points_BP2 @ wave_B22 + phase_B12)
    turn, slant = style.rotation * _sym(generator, rows), style.shear * _sym(generator, rows)
    scale = _between(generator, rows, style.scale)
    stretch = torch.exp(style.stretch * _sym(generator, rows))
    cos, sin = turn.cos() * scale, turn.sin() * scale
    across = torch.stack([cos * stretch, sin * stretch], dim=1)
    down = torch.stack([slant * cos - sin, slant * sin + cos], dim=1) / stretch[:, None]
    room = (1.1 - scale).clamp(0, style.shift)[:, None, None]
    return points_BP2 @ torch.stack([across, down], dim=1) + room * _sym(generator, rows, 1, 2)


def _ink(points_BP2: Tensor, is_filled_B: Tensor, generator: torch.Generator, *, size: int, style: Style) -> Tensor:
    """How much of each pixel the line or the filled shape covers, from its distance to the nearest point."""
    rows, pixel = len(points_BP2), 2 / size
    distance_BSS = _distance(points_BP2, size)
    is_filled = is_filled_B.nonzero()[:, 0]
    distance_BSS[is_filled] *= ~_inside(points_BP2[is_filled], size)
    half = _between(generator, rows, style.thickness)[:, None, None]
    soft = _between(generator, rows, style.softness)[:, None, None] * pixel
    return (0.5 + (half - distance_BSS) / soft).clamp(0, 1)


def _distance(points_BP2: Tensor, size: int) -> Tensor:
    """From each pixel to the nearest point, by |a - b|² = |a|² - 2ab + |b|², whose first two terms are a product."""
    line = _line(size, points_BP2)
    x_N, y_N = line.repeat(size), line.repeat_interleave(size)
    pixel_3N = torch.stack([x_N, y_N, torch.ones_like(x_N)])
    point_BP3 = torch.cat([-2 * points_BP2, points_BP2.square().sum(-1, keepdim=True)], dim=-1)
    # On a CPU one picture's (P, N) table fits the cache and the whole batch's does not: four times the speed.
    portion = 1 if point_BP3.device.type == "cpu" else 1024
    nearest_BN = torch.cat([(part @ pixel_3N).amin(1) for part in point_BP3.split(portion)])
    return (nearest_BN + x_N.square() + y_N.square()).clamp(min=0).sqrt().view(-1, size, size)


def _inside(points_BP2: Tensor, size: int) -> Tensor:
    """Which pixels a closed curve encloses: those with an odd number of crossings to their left on their row."""
    start_BP1, end_BP1 = points_BP2[..., None, :], points_BP2.roll(-1, 1)[..., None, :]
    line = _line(size, points_BP2)
    crosses_BPS = (start_BP1[..., 1] > line) != (end_BP1[..., 1] > line)
    along = (line - start_BP1[..., 1]) / (end_BP1[..., 1] - start_BP1[..., 1] + 1e-9)
    x_BPS = start_BP1[..., 0] + along * (end_BP1[..., 0] - start_BP1[..., 0])
    column_BSP = torch.where(crosses_BPS, (x_BPS + 1) * size / 2, size).clamp(0, size).round().long().mT
    crossings = torch.zeros(len(points_BP2), size, size + 1, device=points_BP2.device, dtype=torch.long)
    crossings.scatter_add_(2, column_BSP, torch.ones_like(column_BSP))
    return crossings.cumsum(-1)[..., :size] % 2 == 1


def _coloured(ink_BSS: Tensor, generator: torch.Generator, style: Style) -> Tensor:
    """Ink and paper of two colours or greys, either the darker; paper may shade from side to side."""
    rows, size = len(ink_BSS), ink_BSS.shape[-1]
    is_grey = (_uniform(generator, rows, 1) > style.colour).float()
    low, high = 0.4 * _uniform(generator, rows, 3), 1 - 0.4 * _uniform(generator, rows, 3)
    low, high = (is_grey * side.mean(1, keepdim=True) + (1 - is_grey) * side for side in (low, high))
    is_dark = _uniform(generator, rows, 1) < 0.5
    ink, paper = torch.where(is_dark, low, high), torch.where(is_dark, high, low)
    line = _line(size, ink_BSS)
    slope = 0.12 * _sym(generator, rows, 2, 1)
    shade_BSS = (slope[:, 0] * line)[:, None, :] + (slope[:, 1] * line)[:, :, None]
    paper_B3SS = paper[:, :, None, None] + shade_BSS[:, None]
    return paper_B3SS + ink_BSS[:, None] * (ink[:, :, None, None] - paper_B3SS)


def _photographed(pixels_B3SS: Tensor, generator: torch.Generator, style: Style) -> Tensor:
    """The pictures after an occluding patch, a loss of resolution and noise, each for some of them."""
    rows, size = len(pixels_B3SS), pixels_B3SS.shape[-1]
    line = _line(size, pixels_B3SS)
    centre, half = _sym(generator, rows, 2, 1), 0.1 + 0.2 * _uniform(generator, rows, 2, 1)
    is_patch = (line - centre).abs() < half * (_uniform(generator, rows, 1, 1) < style.occlusion)
    patch = (is_patch[:, 0, None, :] & is_patch[:, 1, :, None])[:, None]
    pixels_B3SS = torch.where(patch, _uniform(generator, rows, 3, 1, 1), pixels_B3SS)
    # Callers ask for labels in random order, so the last rows stand for a random part.
    for part, factor in zip(pixels_B3SS.split(_parts(rows, style.coarse)), (1, 2, 4), strict=False):
        if factor > 1 and len(part):
            small = functional.avg_pool2d(part, factor)
            part.copy_(functional.interpolate(small, size=(size, size), mode="bicubic", align_corners=False))
    noise = style.noise * _uniform(generator, rows, 1, 1, 1).square()
    return (pixels_B3SS + noise * _normal(generator, *pixels_B3SS.shape)).clamp(0, 1)


def _parts(rows: int, coarse: float) -> list[int]:
    """How many pictures keep their resolution, lose half of it, and lose three quarters of it."""
    half = round(rows * coarse / 2)
    return [rows - 2 * half, half, half]


def _line(size: int, like: Tensor) -> Tensor:
    """Where the centres of a row of pixels are, from -1 to 1."""
    return (torch.arange(size, device=like.device, dtype=torch.float32) + 0.5) * 2 / size - 1


def _uniform(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device)


def _normal(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device)


def _sym(generator: torch.Generator, *shape: int) -> Tensor:
    return 2 * _uniform(generator, *shape) - 1


def _between(generator: torch.Generator, rows: int, bounds: tuple[float, float]) -> Tensor:
    return bounds[0] + (bounds[1] - bounds[0]) * _uniform(generator, rows)
