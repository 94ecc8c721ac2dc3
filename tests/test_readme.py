"""What the pages say is so: commands can be typed, links lead somewhere, figures are those that were measured."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import headstart
from headstart.cli import verbs

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh-CN.md")
RESULTS = ROOT / "bench" / "results"
TABLES = ("against-trainer", "against-encoders")
MOST_LINES = 195
ELSEWHERE = {".venv", ".git", "runs", "build", "dist", "node_modules"}
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.rglob("*.md")
    if not ELSEWHERE & set(path.relative_to(ROOT).parts) and not path.relative_to(ROOT).parts[0].startswith(".")
)


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, *languages: str) -> list[str]:
    """The blocks of code in these languages."""
    return [
        code
        for language, code in re.findall(r"^```(\w+)\n(.*?)^```$", read(page), re.M | re.S)
        if language in languages
    ]


def commands(page: str) -> Iterator[str]:
    """The headstart commands in its shell blocks, without what is piped into them or set before them."""
    for block in blocks(page, "bash", "sh", "console"):
        for line in block.replace("\\\n", " ").splitlines():
            for part in line.removeprefix("$ ").split("|"):
                found = re.match(r"\s*(?:\w+=\S+\s+)*(headstart\s.*)", part)
                if found:
                    yield found[1].strip()


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them, by GitHub's rules."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def dead(page: str, target: str) -> bool:
    """Whether a relative link leads nowhere."""
    place, _, anchor = target.partition("#")
    file = (ROOT / page).parent / place if place else ROOT / page
    return not file.exists() or (bool(anchor) and anchor not in anchors(file))


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    targets = [one for one in re.findall(r"\]\(([^)\s]+)\)", read(page)) if not re.match(r"[a-z]+:", one)]
    assert [target for target in targets if dead(page, target)] == []


@pytest.mark.parametrize(("page", "line"), [(page, line) for page in PAGES for line in commands(page)])
def test_a_command_can_be_typed_as_it_stands(page: str, line: str) -> None:
    verb, *words = shlex.split(line, comments=True)[1:]
    # with a parent as when it is typed: click keeps the first help option it makes, for whoever asks later
    program = click.Context(verbs, **verbs.context_settings)
    command = verbs.get_command(program, verb)
    assert command is not None
    assert command.make_context(verb, words, parent=program).params


@pytest.mark.parametrize("page", READMES)
def test_a_readme_shows_every_verb(page: str) -> None:
    assert {line.split()[1] for line in commands(page)} == set(verbs.list_commands(click.Context(verbs)))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("page", READMES)
def test_a_readme_gives_the_measured_table_or_none(page: str, name: str) -> None:
    (quoted,) = re.findall(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", read(page), re.S)
    table = RESULTS / f"{name}.md"
    if table.exists():
        assert quoted == table.read_text(encoding="utf-8"), f"copy {table.relative_to(ROOT)} between the marks"
    else:
        assert not re.search(r"\d", quoted)


@pytest.mark.parametrize("page", READMES)
def test_python_in_a_readme_uses_public_names_alone(page: str) -> None:
    for block in blocks(page, "python"):
        nodes = list(ast.walk(ast.parse(block)))
        used = {
            node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "headstart"
        }
        used |= {
            name.name
            for node in nodes
            if isinstance(node, ast.ImportFrom) and node.module == "headstart"
            for name in node.names
        }
        assert used
        assert used <= set(headstart.__all__)


@pytest.mark.parametrize("page", READMES)
def test_a_readme_is_short_and_says_how_to_test(page: str) -> None:
    assert len(read(page).splitlines()) < MOST_LINES
    assert "make check test" in read(page)


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("docs/tasks.md", "tasks"),
        ("docs/strategies.md", "strategies"),
        ("docs/strategies.md", "cached"),
        ("docs/advise.md", "advice"),
    ],
)
def test_the_figures_of_a_page_are_what_the_benchmark_wrote(page: str, name: str) -> None:
    table = (RESULTS / f"{name}.md").read_text(encoding="utf-8")
    assert f"<!-- {name} -->\n{table}<!-- /{name} -->" in read(page)
