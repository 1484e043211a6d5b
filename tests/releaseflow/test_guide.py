"""The user guide says what the product says: its pictures, links, states and quoted names are compared with it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.guide import IMAGES, SHOTS, pictures
from tests.support.processes import ROOT
from workflow.steps import Flow

GUIDE = ROOT / "docs/guide"
PAGES = sorted(GUIDE.glob("*.md"))
TARGET = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
BOLD = re.compile(r"\*\*([^*]+)\*\*")
LIMIT = 6_000_000  # bytes of all pictures


def targets(page: Path) -> list[Path]:
    """What the page links to or shows."""
    return [(page.parent / found).resolve() for found in TARGET.findall(page.read_text()) if "://" not in found]


def quoted(page: Path) -> set[str]:
    """What stands in bold, but for deadlines and questions that are no names of the product."""
    names = {" ".join(name.split()) for name in BOLD.findall(page.read_text())}
    return {name for name in names if not name.endswith((".", " pm")) and not _is_own_question(page, name)}


def _is_own_question(page: Path, name: str) -> bool:
    """A question of the last chapter."""
    text = " ".join(page.read_text().partition("## Questions")[2].split())
    return f"**{name}**" in text and name.endswith("?")


def says_the_product() -> str:
    """All words of templates and code, and the label of every step."""
    folders = ("templates", "crq", "deployments", "releaseflow")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in {".html", ".py"}]
    labels = [step.label for flow in Flow.registry.values() for step in flow.steps.values()]
    return "\n".join([*(file.read_text() for file in files), *labels])


@pytest.mark.parametrize("chapter", PAGES, ids=lambda chapter: chapter.stem)
def test_every_link_and_picture_is_there(chapter: Path) -> None:
    assert [str(target) for target in targets(chapter) if not target.exists()] == []


def test_every_picture_is_used_and_taken_by_the_command() -> None:
    kept = {file.name for file in IMAGES.iterdir()}

    used = {target.name for page in PAGES for target in targets(page) if target.parent == IMAGES}

    assert used == kept == {name for shot in SHOTS for name, _, _ in pictures(shot)}


def test_the_pictures_stay_small() -> None:
    assert sum(file.stat().st_size for file in IMAGES.iterdir()) <= LIMIT


def test_names_in_bold_are_the_names_of_the_product() -> None:
    said = says_the_product()

    unknown = {name for page in PAGES for name in quoted(page) if name not in said}

    assert unknown == set()


def test_the_states_are_those_of_the_flow_table() -> None:
    [drawn] = re.findall(r"```mermaid.*?```", (GUIDE / "README.md").read_text(), re.DOTALL)

    assert f"## Deployment\n\n{drawn}" in (ROOT / "docs/states.md").read_text()
