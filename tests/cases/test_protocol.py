"""The written rules: the shipped file holds, a site's wins, and what cannot be followed is refused in words."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest
import yaml

import cases.protocol
from cases.paths import StorePaths
from cases.protocol import MOST_BYTES, ProtocolError, default_protocol, protocol_of, read_protocol
from grounding.triggers import Action, Comparison, FactName, TriggerRule

SHIPPED = Path(cases.protocol.__file__).with_name("data") / "protocol.yaml"
RULE = {
    "id": "low-confidence",
    "version": 2,
    "fact": "low_confidence",
    "comparison": "below",
    "threshold": 0.7,
    "action": "block",
    "reason": "This site wants surer sentences.",
}


def text_of(*rules, **top):
    return yaml.safe_dump({"protocol": 1, "rules": list(rules), **top}).encode()


def refused(data):
    with pytest.raises(ProtocolError) as caught:
        read_protocol(data, source="site.protocol.yaml")
    assert str(caught.value).startswith("site.protocol.yaml")
    return str(caught.value)


def test_the_shipped_rules_have_one_for_every_fact_and_are_named_by_their_bytes():
    protocol = default_protocol()
    assert {rule.fact for rule in protocol.rules} == set(FactName)
    assert protocol.sha256 == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
    assert protocol.source == "default"
    assert {rule.action for rule in protocol.rules} == set(Action)


def test_the_shipped_rules_block_what_is_unsafe_to_pass_on_one_signature():
    """Written out here too, so that taking a block away is a change that somebody must make twice."""
    blocking = {rule.rule_id for rule in default_protocol().rules if rule.action is Action.BLOCK}
    assert blocking == {"conflict-side", "injected-instructions"}


def test_a_second_quantization_is_asked_for_by_name_or_not_at_all():
    assert read_protocol(text_of(RULE), source="x").second_quantization is None
    assert read_protocol(text_of(RULE, second_quantization="int8"), source="x").second_quantization == "int8"
    assert "second_quantization" in refused(text_of(RULE, second_quantization="int4"))


def test_a_rule_comes_out_as_it_was_written():
    rule = {**RULE, "fact": "critical_finding", "only": ["large effusion", "mass"]}
    (found,) = read_protocol(text_of(rule), source="x").rules
    assert found == TriggerRule(
        "low-confidence",
        2,
        FactName.CRITICAL_FINDING,
        Comparison.BELOW,
        0.7,
        Action.BLOCK,
        "This site wants surer sentences.",
        ("large effusion", "mass"),
    )


def test_a_site_s_file_holds_as_a_whole_and_without_one_the_shipped_rules_do(tmp_path):
    store = tmp_path / "pilot.duckdb"
    assert protocol_of(store) == default_protocol()
    path = StorePaths(store).protocol
    assert path.name == "pilot.duckdb.protocol.yaml"
    path.write_bytes(text_of(RULE))
    protocol = protocol_of(store)
    assert [(rule.rule_id, rule.threshold) for rule in protocol.rules] == [("low-confidence", 0.7)]
    assert protocol.source == path.name
    assert protocol.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_site_s_file_that_is_wrong_is_refused_and_nothing_stands_in_for_it(tmp_path):
    store = tmp_path / "pilot.duckdb"
    StorePaths(store).protocol.write_bytes(b"protocol: 1\nrules: []\n")
    with pytest.raises(ProtocolError, match=r"pilot\.duckdb\.protocol\.yaml"):
        protocol_of(store)


def test_a_folder_in_its_place_is_refused_in_words(tmp_path):
    store = tmp_path / "pilot.duckdb"
    StorePaths(store).protocol.mkdir()
    with pytest.raises(ProtocolError, match="cannot be read"):
        protocol_of(store)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fact": "mood"}, "'low_confidence'"),  # no such fact: the ones there are
        ({"comparison": "<"}, "'below'"),
        ({"action": "panic"}, "'secondary_review'"),
        ({"treshold": 0.7}, "unknown key 'treshold': the keys are id, version, fact, comparison, threshold"),
        ({"threshold": "0.7"}, "threshold"),  # a text
        ({"threshold": float("nan")}, "finite"),
        ({"threshold": float("inf")}, "finite"),
        ({"threshold": True}, "threshold"),  # a truth value is no number
        ({"version": 0}, "version"),
        ({"version": 1.5}, "version"),
        ({"id": "Low confidence"}, "id"),  # an id is a word with dashes
        ({"reason": "short"}, "at least 10"),
        ({"only": ["mass"]}, "not for low_confidence"),  # this fact has no details to choose from
        ({"fact": "critical_finding", "only": ["plague"]}, "'plague'"),
        ({"fact": "conflict", "only": ["side"]}, "'side'"),
        ({"fact": "critical_finding", "only": []}, "at least 1"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused_with_its_name_and_the_way_out(changes, said):
    message = refused(text_of({**RULE, **changes}))
    assert said in message
    name = changes.get("id", "low-confidence")
    assert f"rule {name!r}" in message


@pytest.mark.parametrize("key", list(RULE))
def test_a_rule_needs_every_key(key):
    message = refused(text_of({name: value for name, value in RULE.items() if name != key}))
    assert f"{key}: this key is wanted" in message
    assert ("rule number 1" if key == "id" else "rule 'low-confidence'") in message


def test_a_rule_stands_once():
    assert "low-confidence stands twice" in refused(text_of(RULE, {**RULE, "threshold": 0.1}))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "keys with their values"),  # nothing
        (b"7", "keys with their values"),
        (b"protocol: 1\n", "rules: this key is wanted"),
        (b"protocol: 2\nrules: []\n", "protocol"),  # a form of another version
        (b"protocol: 1\nrules: {}\n", "a list is wanted"),
        (b"protocol: 1\nrules: [7]\n", "rule number 1"),
        (b"protocol: 1\nrulez: []\n", "rules: this key is wanted"),
        (text_of(RULE, kpis={}), "unknown key 'kpis'"),
        (b"protocol: 1\nprotocol: 1\nrules: []\n", "'protocol' stands twice"),
        (b"a: &x [1]\nb: *x\n", "*alias"),  # however small the file, what it stands for may be large
        (b"x: !!python/object/apply:os.system ['true']\n", "safely"),  # a tag that would run something
        (b"x: !!python/name:os.system\n", "safely"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"a: [1\n", "line 2"),  # no YAML
        (b"a: 1\n---\na: 2\n", "safely"),  # two documents
        (b"[" * 40_000, "deep"),  # reading it would take minutes, and more depth than Python has
        (b"- " * 30_000 + b"x", "deep"),  # the same in block style
        (b"#" * (MOST_BYTES + 1), "at most"),
    ],
    ids=range(18),
)
def test_what_is_no_protocol_is_refused(data, said):
    assert said in refused(data)


def test_a_large_file_is_not_read_to_its_end(tmp_path):
    path = StorePaths(tmp_path / "s.duckdb").protocol
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a terabyte of nothing, on disk a few bytes
    assert path.stat().st_mode & stat.S_IFREG
    with pytest.raises(ProtocolError, match="at most"):
        protocol_of(tmp_path / "s.duckdb")
