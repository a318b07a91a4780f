"""Writes the tree of ARCHITECTURE.md: one line per file, from the file's own first words.

Run it after adding or renaming a file (`make architecture`); tests/test_documents.py says when a line is missing. What
stands outside the two markers is written by hand and left alone.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("dashboard", "evals", "vlm", "cases", "grounding", "scripts", ".streamlit", ".ci")
BEGIN, END = "<!-- tree: written by scripts/architecture.py -->", "<!-- end of tree -->"
COMMENTS = ("-- ", "// ", "# ", "/* ")
# Files that cannot speak for themselves.
SAID_HERE = {
    "dashboard/components/image_panel.css": "The look of the image panel.",
    "evals/data/injection.json": "Attacks by family and their texts; written before any rule that finds them.",
    "evals/data/injection_clean.json": "Harmless sentences that sound like orders, by the place where they stand.",
    "evals/data/quantization_gate.json": "The limits that a quantized model must keep to be released, each in words.",
    "grounding/data/anatomy.json": "Sides, zones and lobes, and the words by which reports name them.",
    "grounding/data/context.json": "ConText's cues: their kind, their reach and their phrases.",
    "grounding/data/findings.json": "The findings: group, whether a box can show them, and their aliases.",
    "grounding/data/injection.json": "The forms in which text addresses the reader-model, and what excuses them.",
    "vlm/backends/shapes.json": "Layer sizes of models that a pilot may run, to be timed with random weights on a GPU.",
    "vlm/embedded/MODEL_CARD.md": "The embedded model: data, licence, figures, limits.",
}


def files() -> list[str]:
    """What belongs in the tree: tracked or about to be, less weights and empty package markers."""
    listed = subprocess.run(  # noqa: S603 - fixed arguments
        ["git", "ls-files", "-co", "--exclude-standard", *PLACES],  # noqa: S607 - whichever git is in use
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    return sorted(name for name in names if not name.endswith("__init__.py") and "/weights/" not in name)


def first_words(name: str) -> str:
    """The first paragraph of a module's docstring, or the first comment of any other file."""
    if name in SAID_HERE:
        return SAID_HERE[name]
    if name.startswith("vlm/prompts/"):
        return f"The prompt `{Path(name).stem}`; a fragment whose input is missing is removed."
    text = (ROOT / name).read_text(encoding="utf-8")
    if name.endswith(".py"):
        docstring = ast.get_docstring(ast.parse(text)) or ""
        return " ".join(docstring.split("\n\n")[0].split())
    for line in text.splitlines():
        mark = next((mark for mark in COMMENTS if line.startswith(mark)), None)
        if mark is not None and not line.startswith("#!"):
            return line.removeprefix(mark).removesuffix("*/").strip()
    return ""


def tree() -> str:
    """The lines, a heading per folder."""
    lines: list[str] = []
    folder = None
    for name in sorted(files(), key=lambda name: (PLACES.index(name.split("/")[0]), str(Path(name).parent), name)):
        if str(Path(name).parent) != folder:
            folder = str(Path(name).parent)
            lines += ["", f"### {folder}/", ""]
        words = first_words(name)
        if not words:
            print(f"no first words: {name}", file=sys.stderr)
        lines.append(f"- `{name}`: {words}")
    return "\n".join(lines).strip()


def main() -> None:
    """Rewrite the tree between the markers."""
    path = ROOT / "ARCHITECTURE.md"
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n\n{tree()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
