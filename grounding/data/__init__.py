"""The rule and alias lists of this room, as JSON beside this file: read once, never written."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def objects(name: str) -> dict[str, dict[str, Any]]:
    """The data file of that name: an object of objects.

    Raises:
        FileNotFoundError: no such file.
        TypeError: it is not an object of objects.
    """
    content = json.loads((files(__name__) / name).read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not all(isinstance(row, dict) for row in content.values()):
        msg = f"{name} is not an object of objects: mend the data file"
        raise TypeError(msg)
    return content
