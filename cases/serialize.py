"""One exact JSON form for cases, drafts, evidence and reviews: what the store keeps and hashes, what `--json` prints.

Canonical (sorted keys, no white space, UTF-8): equal values give equal bytes, and reading the text gives the equal
value back. Reading is strict: an unknown key, a missing one or a value of another kind is refused, so that a row that
was edited or comes from another version is never half understood. A key may be missing only where the type has a
default (an older row). Times are written in UTC. Not here: the shape of the command line's answers, and FHIR.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
import types
import typing
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TypeVar

from cases.audit import canonical_json
from cases.draft import Draft
from cases.evidence import DraftEvidence
from cases.review import Review, SentenceReview
from cases.second_read import SecondRead
from cases.study import Case


class SerializeError(ValueError):
    """A value that has no JSON form here, or a text that is not the JSON form of what was asked for."""


Record = Case | Draft | DraftEvidence | Review | SentenceReview | SecondRead
R = TypeVar("R")


def to_dict(record: Record) -> dict[str, object]:
    """The record as JSON values: objects, arrays, texts, numbers, booleans and nulls.

    Raises:
        SerializeError: a field holds what JSON cannot carry exactly (NaN, a naive time), or not what its type says.
    """
    return _object_form(record)


def to_json(record: Record) -> str:
    """The record's canonical JSON text.

    >>> from cases.review import Decision, Reason
    >>> from grounding.report import GroundedSentence
    >>> to_json(SentenceReview(0, Decision.ADDED, None, GroundedSentence("A nodule."), Reason.MISSED_FINDING))[:30]
    '{"after":{"boxes":[],"citation'

    Raises:
        SerializeError: see `to_dict`; or a text holds half a surrogate pair, which has no UTF-8 form.
    """
    text = canonical_json(to_dict(record))
    try:
        text.encode()
    except UnicodeEncodeError:
        msg = "a text holds half a surrogate pair, which has no UTF-8 form: decode the input again before keeping it"
        raise SerializeError(msg) from None
    return text


def case_from_json(text: str) -> Case:
    """The case of that text.

    Raises:
        SerializeError: it is not the JSON form of a case.
    """
    return _from_json(text, Case)


def draft_from_json(text: str) -> Draft:
    """The draft of that text.

    Raises:
        SerializeError: it is not the JSON form of a draft.
    """
    return _from_json(text, Draft)


def evidence_from_json(text: str) -> DraftEvidence:
    """The evidence of that text.

    Raises:
        SerializeError: it is not the JSON form of a draft's evidence.
    """
    return _from_json(text, DraftEvidence)


def review_from_json(text: str) -> Review:
    """The review of that text.

    Raises:
        SerializeError: it is not the JSON form of a review.
    """
    return _from_json(text, Review)


def sentence_review_from_json(text: str) -> SentenceReview:
    """The decision of that text.

    Raises:
        SerializeError: it is not the JSON form of a decision.
    """
    return _from_json(text, SentenceReview)


def second_read_from_json(text: str) -> SecondRead:
    """The second read of that text.

    Raises:
        SerializeError: it is not the JSON form of a second read.
    """
    return _from_json(text, SecondRead)


def _from_json(text: str, kind: type[R]) -> R:
    try:
        value = json.loads(text, object_pairs_hook=_no_twice, parse_constant=_no_constant)
    except SerializeError:
        raise
    except (ValueError, RecursionError):
        msg = f"not JSON, so not a {kind.__name__}: the text was cut or edited; read it again from its source"
        raise SerializeError(msg) from None
    return typing.cast("R", _read(value, kind, kind.__name__))


def _no_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "a JSON object names a key twice: one of the two would be lost"
        raise SerializeError(msg)
    return found


def _no_constant(name: str) -> object:
    msg = f"{name} is not a JSON number: what was not measured is null"
    raise SerializeError(msg)


@functools.cache
def _fields(kind: typing.Any) -> Mapping[str, tuple[object, bool]]:  # noqa: ANN401 - any dataclass
    """(type, whether it has a default) of each field of a dataclass."""
    hints = typing.get_type_hints(kind)
    missing = dataclasses.MISSING
    return {
        field.name: (hints[field.name], field.default is not missing or field.default_factory is not missing)
        for field in dataclasses.fields(kind)
    }


def _object_form(value: object) -> dict[str, object]:
    kind = type(value)
    return {
        name: _write(getattr(value, name), hint, f"{kind.__name__}.{name}")
        for name, (hint, _) in _fields(typing.cast("typing.Hashable", kind)).items()
    }


def _write(value: object, hint: object, where: str) -> object:
    """The JSON value of a field of that type; numbers are written as the type says, so that bytes are stable."""
    if isinstance(hint, types.UnionType):
        return None if value is None else _write(value, _some(hint), where)
    if typing.get_origin(hint) is tuple:
        return [_write(item, part, where) for item, part in _paired(value, hint, where)]
    if dataclasses.is_dataclass(hint):
        return _object_form(_checked(value, hint, where))
    return _write_scalar(value, hint, where)


def _write_scalar(value: object, hint: object, where: str) -> object:
    if hint is float:
        return _finite(value, where)
    if hint is datetime:
        return _utc(_checked(value, datetime, where), where).isoformat()
    if hint is date:
        return typing.cast("date", _checked(value, date, where)).isoformat()
    if hint is str or (isinstance(hint, type) and issubclass(hint, StrEnum)):
        return str(_checked(value, hint, where))
    return _checked(value, hint, where)


def _read(value: object, hint: object, where: str) -> object:
    if isinstance(hint, types.UnionType):
        return None if value is None else _read(value, _some(hint), where)
    if typing.get_origin(hint) is tuple:
        return tuple(_read(item, part, where) for item, part in _paired(value, hint, where))
    if dataclasses.is_dataclass(hint):
        return _read_object(value, typing.cast("type[object]", hint), where)
    return _read_scalar(value, hint, where)


def _read_object(value: object, kind: type[object], where: str) -> object:
    given = typing.cast("dict[str, object]", _checked(value, dict, where))
    known = _fields(typing.cast("typing.Hashable", kind))
    missing = [name for name, (_, has_default) in known.items() if name not in given and not has_default]
    if missing or not known.keys() >= given.keys():
        msg = f"{where}: keys are {sorted(known)}; missing {missing}, unknown {len(given.keys() - known.keys())}"
        raise SerializeError(msg)
    values = {
        name: _read(given[name], hint, f"{kind.__name__}.{name}") for name, (hint, _) in known.items() if name in given
    }
    try:
        return kind(**values)
    except ValueError:
        msg = f"{where}: the keys are right and the values are not those of a {kind.__name__}"
        raise SerializeError(msg) from None


def _read_scalar(value: object, hint: object, where: str) -> object:
    if hint is float:
        return _finite(value, where)
    if isinstance(hint, type) and issubclass(hint, date | StrEnum):
        text = typing.cast("str", _checked(value, str, where))
        try:
            return _parsed(text, hint, where)
        except ValueError:
            msg = f"{where}: not the text of a {hint.__name__}"
            raise SerializeError(msg) from None
    return _checked(value, hint, where)


def _parsed(text: str, hint: type[date] | type[StrEnum], where: str) -> object:
    if issubclass(hint, StrEnum):
        return hint(text)
    if issubclass(hint, datetime):
        return _utc(datetime.fromisoformat(text), where)
    return date.fromisoformat(text)


def _some(hint: types.UnionType) -> object:
    """The X of `X | None`; the records have no other union."""
    (kind,) = [part for part in hint.__args__ if part is not types.NoneType]
    return kind


def _paired(value: object, hint: object, where: str) -> list[tuple[object, object]]:
    """Each item with its type, for `tuple[X, ...]` and for `tuple[X, Y]`."""
    parts = typing.get_args(hint)
    if not isinstance(value, list | tuple):
        msg = f"{where}: an array is wanted, not {type(value).__name__}"
        raise SerializeError(msg)
    if parts[-1] is Ellipsis:
        parts = (parts[0],) * len(value)
    if len(parts) != len(value):
        msg = f"{where}: {len(parts)} items are wanted, not {len(value)}"
        raise SerializeError(msg)
    return list(zip(value, parts, strict=True))


def _checked(value: object, hint: object, where: str) -> typing.Any:  # noqa: ANN401 - of the type `hint`
    wanted = typing.cast("type[object]", hint)
    right = type(value) is wanted if wanted in (int, bool) else isinstance(value, wanted)
    if not right or (wanted is date and isinstance(value, datetime)):
        msg = f"{where}: {wanted.__name__} is wanted, not {type(value).__name__}"
        raise SerializeError(msg)
    return value


def _finite(value: typing.Any, where: str) -> float:  # noqa: ANN401 - untrusted
    right = isinstance(value, float) or type(value) is int
    if not right or not abs(value) <= sys.float_info.max:
        msg = f"{where}: a finite number is wanted; what was not measured is null"
        raise SerializeError(msg)
    return float(value)


def _utc(value: datetime, where: str) -> datetime:
    if value.tzinfo is None:
        msg = f"{where}: times are timezone-aware UTC; this one names no zone"
        raise SerializeError(msg)
    return value.astimezone(UTC)
