"""The documents hold: commands in them parse, links lead somewhere, ARCHITECTURE.md has a line for each file."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from dashboard.cli import build_parser

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("dashboard", "evals", "vlm", "cases", "grounding")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
PLACES = {
    "PATH": "p",
    "CASE": "c",
    "FILE": "f",
    "DIR": "d",
    "R": "r",
    "N": "1",
    "S": "1",
    "ID": "i",
    "TIME": "2026-01-01T00:00:00+00:00",
}


def commands(document: Path) -> list[str]:
    """Lines of fenced blocks that call overread, without comments and redirections."""
    blocks = re.findall(r"```\w*\n(.*?)```", document.read_text(), re.DOTALL)
    lines = [line.split("#")[0].split(">")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("overread ")]


def test_the_readme_shows_commands():
    assert len(commands(ROOT / "README.md")) >= 8


@pytest.mark.parametrize("line", sorted({line for document in DOCUMENTS for line in commands(document)}))
def test_a_documented_command_parses(line):
    words = [PLACES.get(word, word) for word in shlex.split(line)[1:]]
    assert callable(build_parser().parse_args(words).run)


def test_a_documented_make_target_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"(?:^|`| )make ([a-z]+)\b(?=`|\s{2,}#|$)", document.read_text(), re.MULTILINE)
    }
    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text())
    gone = [link for link in links if not (document.parent / link).exists()]
    assert not gone, f"{document.name} links to what is not there: {gone}"


def test_the_readme_says_first_that_this_is_research():
    opening = (ROOT / "README.md").read_text()[:900]
    assert "Research use only" in opening
    assert "not a medical device" in opening


def described() -> dict[str, str]:
    """Path -> line of ARCHITECTURE.md, from the lines `- `path`: words`."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    return dict(re.findall(r"^- `([^`]+)`: (.+)$", text, re.MULTILINE))


def files_to_describe() -> set[str]:
    """What git tracks in the rooms, the scripts and .streamlit, less fixtures, weights and package markers."""
    places = [*ROOMS, "scripts", ".streamlit", ".ci"]
    listed = subprocess.run(["git", "ls-files", "-z", *places], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}
    else:  # an exported tree has no git: whatever is there counts
        paths = [path for place in places for path in (ROOT / place).rglob("*") if path.is_file()]
        names = {str(path.relative_to(ROOT)) for path in paths if "__pycache__" not in path.parts}
    return {name for name in names if not name.endswith("__init__.py") and "/weights/" not in name}


def test_architecture_has_one_line_for_each_file():
    missing = sorted(files_to_describe() - set(described()))
    assert not missing, "ARCHITECTURE.md lacks a line for:\n" + "\n".join(f"- `{name}`: ..." for name in missing)


def test_architecture_names_no_file_that_is_gone():
    gone = sorted(name for name in described() if not (ROOT / name).exists())
    assert not gone, "ARCHITECTURE.md describes what is not there:\n" + "\n".join(gone)
