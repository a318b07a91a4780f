"""Writes constraints.txt: the exact version of everything that `overread[dev]` pulls in, as .venv holds it now.

No local build tags (torch's +cpu) and no index addresses: the same pins serve a CPU and a CUDA machine. What else is
installed is left out.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
HEADER = "# Written by scripts/constraints.py: the versions that were installed and tested together."


def closure(name: str, extras: frozenset[str], found: dict[str, str]) -> None:
    """Add a package's requirements, and theirs, to `found` (canonical name to version)."""
    for line in distribution(name).requires or ():
        needed = Requirement(line)
        wanted = needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        key = canonicalize_name(needed.name)
        if not wanted:
            continue
        known = key in found
        try:
            found[key] = re.sub(r"\+.*", "", distribution(key).version)
        except PackageNotFoundError:
            continue
        if not known or needed.extras:
            closure(key, frozenset(needed.extras), found)


def main() -> None:
    """Write the file."""
    found: dict[str, str] = {}
    closure("overread", frozenset({"dev"}), found)
    found.pop("overread", None)
    pins = [f"{name}=={version}" for name, version in sorted(found.items())]
    (ROOT / "constraints.txt").write_text("\n".join([HEADER, *pins]) + "\n", encoding="utf-8")
    print(f"{len(pins)} pins in constraints.txt")


if __name__ == "__main__":
    main()
