"""The written rules of a pilot, read from a file that people write: when a second reader must look.

The file shipped with the project (`cases/data/protocol.yaml`) holds unless a site's own lies beside its store
(`StorePaths.protocol`); a site's wins as a whole, nothing is merged, so that what held on a day can be read in one
place. Its bytes are named by their SHA-256, which every measuring of a draft keeps. YAML is loaded safely (no tags, no
objects), bounded in size, and every key is checked at this door (pydantic) and nowhere else.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from cases.paths import StorePaths
from cases.study import InputName
from grounding.check import Rule
from grounding.conflict import ConflictKind
from grounding.critical import is_detail
from grounding.triggers import Action, Comparison, FactName, TriggerRule

MOST_BYTES: Final = 64 * 1024
MOST_RULES: Final = 200
MOST_DEPTH: Final = 12
PARSER: Final = 1  # the form of the file that this version reads
DEFAULT: Final = "data/protocol.yaml"

KNOWN_DETAILS: Final[dict[FactName, Callable[[str], bool]]] = {  # which facts can be narrowed by `only`, and to what
    FactName.CRITICAL_FINDING: is_detail,
    FactName.CONFLICT: lambda text: text in set(ConflictKind),
    FactName.VIOLATION: lambda text: text in set(Rule),
    FactName.MISSING_INPUT: lambda text: text in set(InputName),
}

FORMS: Final = {  # pydantic's words for these speak of Python
    "model_type": "keys with their values are wanted here, as in the shipped protocol",
    "tuple_type": "a list is wanted here, one item a line after a dash",
    "missing": "this key is wanted and is not there",
}

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,59}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=300)]
Detail = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class ProtocolError(ValueError):
    """A protocol file that cannot be followed; the message names the rule, what is wrong with it and the way out."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RuleEntry(_Part):
    """One rule of the file.

    Attributes:
        id, version: what names the rule; another meaning is another version.
        fact: one of `FactName`.
        comparison, threshold: it fires where the fact stands so to the threshold.
        action: inform, secondary_review or block.
        reason: in words, for the reader.
        only: the details it is about; empty for all.
    """

    id: Id
    version: Annotated[int, Field(ge=1)]
    fact: Annotated[FactName, Field(strict=False)]
    comparison: Annotated[Comparison, Field(strict=False)]
    threshold: Annotated[float, Field(allow_inf_nan=False)]
    action: Annotated[Action, Field(strict=False)]
    reason: Words
    only: Annotated[tuple[Detail, ...], Field(strict=False, min_length=1)] | None = None

    @model_validator(mode="after")
    def _details_known(self) -> RuleEntry:
        if self.only is None:
            return self
        known = KNOWN_DETAILS.get(self.fact)
        if known is None:
            msg = f"only is for the facts {', '.join(KNOWN_DETAILS)}, not for {self.fact}: leave it out"
            raise ValueError(msg)
        unknown = [detail for detail in self.only if not known(detail)]
        if unknown:
            msg = f"only names {unknown[0]!r}, which no {self.fact} is called: the rule would never fire; correct it"
            raise ValueError(msg)
        return self


class ProtocolFile(_Part):
    """The form of the file. Parts to come (what is read, how, and towards which figures) get keys of their own."""

    protocol: Annotated[int, Field(ge=PARSER, le=PARSER)]
    second_quantization: Literal["int8", "nf4", "nf4-double"] | None = None
    rules: Annotated[tuple[RuleEntry, ...], Field(strict=False, min_length=1, max_length=MOST_RULES)]

    @model_validator(mode="after")
    def _once(self) -> ProtocolFile:
        twice = [name for name, count in Counter(rule.id for rule in self.rules).items() if count > 1]
        if twice:
            msg = f"a rule stands once: {twice[0]} stands twice; give one of them another id, or drop it"
            raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True)
class Protocol:
    """The rules in force.

    Attributes:
        rules: in the order of the file.
        sha256: of the file's bytes.
        source: "default", or the name of the site's file.
        second_quantization: in which the same model drafts each case once more, to be held against its draft; None
            where it does not, and nothing is known of that.
    """

    rules: tuple[TriggerRule, ...]
    sha256: str
    source: str
    second_quantization: str | None = None


def protocol_of(store: Path) -> Protocol:
    """The rules in force for a store: its site's where there is such a file, else those shipped.

    Args:
        store: path of the DuckDB file.

    Raises:
        ProtocolError: the site's file cannot be read or followed; the shipped one is *not* taken instead.
    """
    path = StorePaths(store).protocol
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return default_protocol()
    except OSError as error:
        msg = f"{path.name} cannot be read ({error.strerror}): make it readable, or move it away to use the default"
        raise ProtocolError(msg) from None
    return read_protocol(data, source=path.name)


@cache
def default_protocol() -> Protocol:
    """The rules shipped with the project."""
    return read_protocol((resources.files("cases") / DEFAULT).read_bytes(), source="default")


def read_protocol(data: bytes, *, source: str) -> Protocol:
    """The rules that stand in a file's bytes.

    Args:
        data: as read.
        source: how errors and records name the file.

    Raises:
        ProtocolError: too large, no YAML, or not of the form; the message names the rule, the value and the way out.
    """
    if len(data) > MOST_BYTES:
        msg = f"{source}: a protocol has at most {MOST_BYTES} bytes: cut it down"
        raise ProtocolError(msg)
    content = _loaded(data, source)
    try:
        checked = ProtocolFile.model_validate(content)
    except ValidationError as error:
        raise ProtocolError(f"{source}: {_in_words(error, content)}") from None
    rules = tuple(_rule(entry) for entry in checked.rules)
    return Protocol(rules, hashlib.sha256(data).hexdigest(), source, checked.second_quantization)


def _loaded(data: bytes, source: str) -> object:
    """The YAML document's content: plain values, no key twice, no alias (an alias can make a small file very large).

    Source: YAML 1.2.2, sections 3.2.1.1 (keys are unique) and 7.1 (alias nodes).
    """
    try:
        text = data.decode("utf-8")
        _refuse_nested(text, source)
        _refuse_twice(yaml.compose(text, Loader=yaml.SafeLoader), source)
        return yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, ProtocolError):
            raise
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark is not None else ""
        msg = f"{source} is not YAML in UTF-8 that can be read safely{place}: compare it with the shipped protocol"
        raise ProtocolError(msg) from None


def _refuse_nested(text: str, source: str) -> None:
    """Refuse aliases and deep nesting before any tree is built: a small file of either can take very long to read."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            msg = f"{source}: a protocol is written out in full: replace every *alias by what it stands for"
            raise ProtocolError(msg)
        if depth > MOST_DEPTH:
            msg = f"{source}: nested more than {MOST_DEPTH} deep: write it as the shipped protocol is written"
            raise ProtocolError(msg)


def _refuse_twice(node: object, source: str) -> None:
    """Refuse a mapping that names a key twice: YAML readers silently keep one of the two."""
    if isinstance(node, yaml.MappingNode):
        keys = Counter(str(key.value) for key, _ in node.value)
        twice = [key for key, count in keys.items() if count > 1]
        if twice:
            line = node.start_mark.line + 1
            msg = f"{source}, in what begins at line {line}: the key {twice[0][:40]!r} stands twice: drop one"
            raise ProtocolError(msg)
        for _, value in node.value:
            _refuse_twice(value, source)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_twice(value, source)


def _in_words(error: ValidationError, content: object) -> str:
    """The first thing that is wrong: which rule, which key, which value, and what would be right."""
    first = error.errors(include_url=False)[0]
    place = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        known = RuleEntry.model_fields if place[0] == "rules" else ProtocolFile.model_fields
        return f"{_named(place[:-1], content)}: unknown key {place[-1][:40]!r}: the keys are {', '.join(known)}"
    told = FORMS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    value = "" if first["type"] in ("missing", "value_error") else f"; it is {repr(first['input'])[:60]}"
    return f"{_named(place, content)}: {told[:1].lower()}{told[1:]}{value}"


def _named(place: list[str], content: object) -> str:
    """A place in the file as a person finds it: by the rule's own id where it has one."""
    if len(place) < 2 or place[0] != "rules" or not isinstance(content, dict):
        return ".".join(place) or "the file"
    rule = content["rules"][int(place[1])]
    name = rule.get("id") if isinstance(rule, dict) else None
    called = f"rule {name!r}" if isinstance(name, str) else f"rule number {int(place[1]) + 1}"
    return f"{called}: {'.'.join(place[2:])}" if place[2:] else called


def _rule(entry: RuleEntry) -> TriggerRule:
    return TriggerRule(
        rule_id=entry.id,
        version=entry.version,
        fact=entry.fact,
        comparison=entry.comparison,
        threshold=entry.threshold,
        action=entry.action,
        reason=entry.reason,
        only=entry.only or (),
    )
