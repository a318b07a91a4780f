"""`case.json`: what the sender knows beside the images and notes, checked at the door (pydantic) and nowhere else.

Its errors name the place in the file and the rule, never the value that stood there.
"""

from __future__ import annotations

import datetime as dt  # a field is called date
import json
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from cases.faults import CaseFileError, NotTextError
from cases.notes import decoded_text
from cases.study import Observation

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoteEntry(_Entry):
    """One note of `case.json`."""

    text: Text
    date: dt.date | None = None
    kind: Literal["report", "note"] = "note"


class ObservationEntry(_Entry):
    """One structured value of `case.json`."""

    name: Short
    value: Short | float | int
    unit: Short | None = None
    observed: dt.date | None = None


class CaseFile(_Entry):
    """The form of `case.json`; every part may be missing.

    Attributes:
        indication: why the image was asked for.
        age: in whole years. sex: F, M or O (PS3.3 C.7.1.1).
        observations: structured values: laboratory results and whatever else has a name and a value.
        labs, smoking, prior_cancer: the usual ones, written short.
        notes: prior reports and notes.
        received: when the study arrived, with its zone; the time of import where absent.
    """

    indication: Text | None = None
    age: Annotated[int, Field(ge=0, le=130)] | None = None
    sex: Literal["F", "M", "O"] | None = None
    observations: tuple[ObservationEntry, ...] = ()
    labs: dict[Short, Short | float | int] = Field(default_factory=dict)
    smoking: Short | None = None
    prior_cancer: Short | None = None
    notes: tuple[NoteEntry, ...] = ()
    received: AwareDatetime | None = None

    def all_observations(self) -> tuple[Observation, ...]:
        """Every structured value in one form, in the order of the file, dates not yet shifted."""
        long = ((entry.name, _with_unit(entry), entry.observed) for entry in self.observations)
        labs = ((name, str(value), None) for name, value in self.labs.items())
        usual = (("smoking", self.smoking, None), ("prior cancer", self.prior_cancer, None))
        return tuple(Observation(name, value, day) for name, value, day in (*long, *labs, *usual) if value is not None)


def read_case_file(data: bytes) -> CaseFile:
    """A `case.json`, checked.

    Raises:
        CaseFileError: no JSON object of that form; the message says where and which rule.
    """
    try:
        content = json.loads(decoded_text(data))
    except (json.JSONDecodeError, NotTextError, RecursionError) as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        msg = f"case.json is not JSON{place}"
        raise CaseFileError(msg) from None
    try:
        return CaseFile.model_validate(content)
    except ValidationError as error:
        raise CaseFileError(_in_words(error)) from None


def _in_words(error: ValidationError) -> str:
    """Where and why, without the value; a name that the form does not have is counted, not quoted."""
    known = {*CaseFile.model_fields, *NoteEntry.model_fields, *ObservationEntry.model_fields}
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part) if isinstance(part, int) or part in known else "(another name)" for part in first["loc"])
    return f"case.json, at {place or 'the top'}: {first['type'].replace('_', ' ')}"


def _with_unit(entry: ObservationEntry) -> str:
    return f"{entry.value} {entry.unit}" if entry.unit else str(entry.value)
