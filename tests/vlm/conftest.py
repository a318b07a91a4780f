"""Hand-made cases for this folder; nothing here is a model."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cases.study import Case, CaseStatus, Image, InputName, InputState, MissingReason, Observation, PriorNote

STUDY_DAY = date(2021, 6, 15)


def image(**changes: Any) -> Image:
    given: dict[str, Any] = {
        "sha256": "0" * 64,
        "rows": 100,
        "columns": 80,
        "modality": "DX",
        "view_position": "PA",
        "pixel_spacing_mm": None,
        "spacing_source": None,
        "acquired": STUDY_DAY,
        "simulated": True,
    }
    return Image(**(given | changes))


def case(**changes: Any) -> Case:
    """A case with everything; name what is to differ."""
    given: dict[str, Any] = {
        "case_id": "c1",
        "patient_pseudonym": "p1",
        "received": datetime(2021, 6, 15, 8, tzinfo=UTC),
        "status": CaseStatus.REGISTERED,
        "image": image(),
        "notes": (PriorNote("n1", date(2020, 12, 15), "report", "Nodule in the right upper lobe. No effusion."),),
        "indication": "persistent cough",
        "age_years": 61,
        "sex": "F",
        "observations": (Observation("smoking", "current"), Observation("CRP", "12 mg/L")),
        "inputs": (
            InputState(InputName.CURRENT_IMAGE, present=True),
            InputState(InputName.PRIOR_IMAGE, present=False, missing_reason=MissingReason.NOT_SENT),
            InputState(InputName.PRIOR_NOTES, present=True),
            InputState(InputName.INDICATION, present=True),
            InputState(InputName.STRUCTURED_VALUES, present=True),
        ),
    }
    return Case(**(given | changes))


@pytest.fixture
def make_case() -> Callable[..., Case]:
    return case


@pytest.fixture
def pixels() -> NDArray[np.uint16]:
    """Of the image that `case` names: 100 rows, 80 columns."""
    return np.full((100, 80), 30000, np.uint16)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of scripted backends, importable by name in a child process too."""
    here = str(Path(__file__).parent)
    monkeypatch.syspath_prepend(here)
    monkeypatch.setenv("PYTHONPATH", here)
    return importlib.import_module("scripted_backend")


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of chat servers, with a key where its specs look for one."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    module = importlib.import_module("chat_server")
    monkeypatch.setenv(module.VARIABLE, module.KEY)
    return module


@pytest.fixture
def serve(chat: ModuleType) -> Iterator[Callable[..., Any]]:
    """Starts a chat server that acts as told; all are closed at the end of the test."""
    running: list[Any] = []

    def start(act: Callable[..., None]) -> Any:
        running.append(chat.ChatServer(act))
        return running[-1]

    yield start
    for server in running:
        server.close()
