"""The ways that compete: a model, how many of its blocks, and how much of them moves; each a change of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from headstart.advisor import scores
from headstart.advisor.scores import Scored

Kind = Literal["pretrained", "scratch", "baseline"]
CHANCE = 0.05
"""A model whose features are the best ones with less probability than this is not trained."""
MOST_MODELS = 3
TOLERANCE = 0.005
"""So much of the primary metric nobody need pay for: of ways this close the cheapest is taken."""
TOP = 2
"""Blocks that the arm between a frozen model and a moving one trains."""


@dataclass(frozen=True)
class Arm:
    """One way to go about it.

    `changes` are the fields of `FitSettings` that make it; a baseline has none, it is the task's own. `blocks` counts
    those that run, 0 where there is no stack.
    """

    name: str
    kind: Kind
    blocks: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_moving(self) -> bool:
        """Whether the loop trains it, epoch by epoch."""
        return self.kind != "baseline" and self.changes["strategy"] != "frozen"


def worth_training(ranking: Sequence[Mapping[str, Any]]) -> list[str]:
    """The references of the models that may be the best, by `scores.ranking`; one if there is any, and never many."""
    likely = [one["model"] for one in ranking if one["probability_of_best"] >= CHANCE]
    return (likely or [one["model"] for one in ranking[:1]])[:MOST_MODELS]


def of_model(scored: Sequence[Scored], *, can_be_shorter: bool, reads_layers: bool) -> list[Arm]:
    """The arms of one model: frozen as a whole and as far up as it pays, all of it trained, its top trained.

    Args:
        scored: The model at each depth, the whole last.
        can_be_shorter: Whether it can be cut off above a block.
        reads_layers: Whether a head on the frozen model reads layers anyway; if not it is told the best one, whose
            vectors are kept.
    """
    whole, low = scored[-1], lowest_as_good(scored)
    model, num_blocks = {"model": whole.ref}, whole.blocks
    read = {} if reads_layers else {"read": whole.reading}
    arms = [Arm(f"{whole.name}, frozen", "pretrained", num_blocks, {**model, "strategy": "frozen", **read})]
    if low.blocks < num_blocks:
        cut = {"read": low.reading} | ({"blocks": low.blocks} if can_be_shorter else {})
        cut = {**model, "strategy": "frozen", **cut}
        arms.append(Arm(f"{whole.name}, {_lowest(low.blocks)}, frozen", "pretrained", low.blocks, cut))
    if num_blocks == 0:
        return arms  # what has no blocks cannot be trained
    # what moves most reaches most where there are rows for it, so that it comes before what is cheaper to train
    arms.append(Arm(f"{whole.name}, all trained", "pretrained", num_blocks, {**model, "strategy": "full"}))
    if num_blocks > TOP:
        top = {**model, "strategy": "top", "top": TOP}
        arms.append(Arm(f"{whole.name}, top {TOP} blocks trained", "pretrained", num_blocks, top))
    if can_be_shorter and 1 < low.blocks < num_blocks:
        cut = {**model, "strategy": "full", "blocks": low.blocks}
        arms.append(Arm(f"{whole.name}, {_lowest(low.blocks)}, all trained", "pretrained", low.blocks, cut))
    return arms


def _lowest(num_blocks: int) -> str:
    return "lowest block" if num_blocks == 1 else f"lowest {num_blocks} blocks"


def lowest_as_good(scored: Sequence[Scored]) -> Scored:
    """The lowest depth whose left-out answers are right as often as the best depth's, but for `TOLERANCE`.

    That few rows cannot tell the two apart does not make the lower one as good.
    """
    enough = scores.best(scored).estimates.left_out - TOLERANCE
    return next(one for one in scored if one.estimates.left_out >= enough)


def from_scratch(model: str, name: str, num_blocks: int) -> Arm:
    """The same architecture with fresh weights."""
    return Arm(f"{name}, from fresh weights", "scratch", num_blocks, {"model": model, "strategy": "scratch"})


def baselines(names: Sequence[str]) -> list[Arm]:
    """What needs no pretrained model."""
    return [Arm(name, "baseline") for name in names]
