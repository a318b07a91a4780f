"""Fixtures of the room `cases`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def samples():
    """The module of small, valid records (`ledger_samples.py`), also run by the child process of the kill tests."""
    spec = importlib.util.spec_from_file_location("ledger_samples", Path(__file__).with_name("ledger_samples.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def files():
    """The module of small synthetic radiographs (`dicom_samples.py`)."""
    spec = importlib.util.spec_from_file_location("dicom_samples", Path(__file__).with_name("dicom_samples.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
