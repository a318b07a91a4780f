"""`overread eval ...`: the referee's measurements, run on a folder of cases and printed with their denominators."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_parsers(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `eval` and what it measures."""
    commands.add_parser("eval", help="measure the model: localization and more")
