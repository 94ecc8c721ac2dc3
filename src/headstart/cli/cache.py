"""List what is kept to save computing, of which model and how large; `cache clear` deletes it.

All of it can be computed again. A cache that is being written is left alone, and that is said.

\b
Examples:
  headstart cache
  headstart cache clear --older-than 30d
  headstart cache clear 1f0c precision
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import click

from headstart.cli import _show

if TYPE_CHECKING:
    from headstart.caches import Cache, Cleared

HEADINGS = ("NAME", "KIND", "ROWS", "MIB", "LAST USED", "OF")


@click.group(help=__doc__, invoke_without_command=True, subcommand_metavar="[clear ...]")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.pass_context
def command(context: click.Context, is_json: bool) -> None:
    """Shows every cache, unless they are to be cleared."""
    if context.invoked_subcommand is not None:
        return
    from headstart import caches
    from headstart.cache import cache_root

    root = cache_root()
    found = caches.listed(root)
    if is_json:
        click.echo(_show.as_json({"root": root, "caches": list(map(caches.to_json, found))}))
    else:
        click.echo("\n".join([*(table(found) if found else []), f"{_sum(found)} in {root}"]))


@command.command("clear")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--older-than", metavar="AGE", help="Only what was not used for so long: 12h, 30d, 8w.")
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of text.")
def clear(names: tuple[str, ...], older_than: str | None, is_json: bool) -> None:
    """Delete caches: those named, by their first letters or their kind, or all of them.

    \b
    Examples:
      headstart cache clear
      headstart cache clear features --older-than 30d
    """
    from headstart import caches
    from headstart.cache import cache_root

    root = cache_root()
    done = caches.clear(root, names, unused_seconds=0 if older_than is None else caches.seconds(older_than))
    if is_json:
        left = [{**caches.to_json(cache), "why": why} for cache, why in done.left]
        gone = list(map(caches.to_json, done.gone))
        click.echo(_show.as_json({"root": root, "freed_mib": done.mib, "cleared": gone, "left": left}))
    else:
        click.echo("\n".join([*cleared(done), f"{_sum(done.gone)} deleted in {root}"]))


def table(found: list[Cache]) -> list[str]:
    """One line a cache under a line of headings."""
    return _show.columns([HEADINGS, *map(_row, found)])


def cleared(done: Cleared) -> list[str]:
    """One line for each cache that was deleted, or left alone and why."""
    lines = [f"deleted  {cache.name}  {_mib(cache.mib)} MiB, {cache.of}" for cache in done.gone]
    return lines + [f"left     {cache.name}  {why}" for cache, why in done.left]


def _row(cache: Cache) -> tuple[str, ...]:
    used = datetime.datetime.fromtimestamp(cache.used).strftime("%Y-%m-%d %H:%M")
    rows = "" if cache.rows is None else f"{cache.rows:,}"
    of = f"{cache.of} (being written)" if cache.is_being_written else cache.of
    return cache.name, cache.kind, rows, _mib(cache.mib), used, of


def _sum(found: list[Cache] | tuple[Cache, ...]) -> str:
    noun = "cache" if len(found) == 1 else "caches"
    return f"{len(found)} {noun}, {_mib(sum(cache.mib for cache in found))} MiB"


def _mib(number: float) -> str:
    return f"{number:,.1f}"
