"""No installed dependency's licence forbids our use (Apache-2.0, shipped to hospitals as it stands).

Permissive licences pass. Weak copyleft (LGPL, MPL) passes by name with a reason. GPL and AGPL are refused whatever else
is said. What the metadata leaves out or words freely is named below after reading the licence file itself.
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distributions

import pytest

PERMISSIVE = re.compile(
    r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|Python-2\.0|Unlicense|public domain|HPND|CC0|Zlib)\b",
    re.IGNORECASE,
)
STRONG = re.compile(r"(?<!L)(A?GPL|(?<!Lesser )General Public Licen[sc]e)", re.IGNORECASE)
WEAK = re.compile(r"\b(LGPL|Lesser General Public|MPL|Mozilla Public)", re.IGNORECASE)

# Weak copyleft: used as published, unmodified, replaceable by the user; its own files stay under its own licence.
WEAK_ALLOWED = {
    "certifi": "MPL-2.0: a list of root certificates, shipped unmodified",
    "tqdm": "MPL-2.0 and MIT: a progress bar, used unmodified",
    "pathspec": "MPL-2.0: development only (mypy)",
    "hypothesis": "MPL-2.0: development only",
    "orjson": "MPL-2.0 or Apache-2.0 or MIT: taken under Apache-2.0",
}
# Licence files read by hand where the metadata says nothing usable.
READ_BY_HAND = {}
OURS = {"overread"}


def licence_words(dist: Distribution) -> str:
    meta = dist.metadata
    classifiers = [c.rpartition("::")[2].strip() for c in meta.get_all("Classifier") or () if c.startswith("License")]
    named = [word for word in (meta.get("License-Expression"), *classifiers) if word]
    text = (meta.get("License") or "").strip()
    return "; ".join([*named, text[:200]] if text else named)


INSTALLED = {
    dist.metadata["Name"].lower(): licence_words(dist) for dist in distributions() if dist.metadata["Name"] is not None
}


def verdict(name: str, words: str) -> str | None:
    """What is wrong with a licence, None when nothing is."""
    if name in OURS or name in READ_BY_HAND:
        return None
    if WEAK.search(words):
        return None if name in WEAK_ALLOWED else f"weak copyleft without a reason on the list: {words!r}"
    if STRONG.search(words):
        return f"GPL family, refused: {words!r}"
    return None if PERMISSIVE.search(words) else f"licence not on the allow list: {words!r}"


@pytest.mark.parametrize("name", sorted(INSTALLED))
def test_an_installed_package_may_be_used(name):
    assert verdict(name, INSTALLED[name]) is None


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("MIT License", False),
        ("Apache-2.0 OR BSD-3-Clause", False),
        ("GNU General Public License v3 (GPLv3)", True),  # pylibjpeg-libjpeg words it so
        ("GPL-3.0-or-later", True),
        ("AGPL-3.0", True),
        ("MIT AND GPL-3.0-only", True),  # a permissive part frees no other part
        ("GNU Lesser General Public License v3 (LGPLv3)", True),  # weak, but not on the list by name
        ("Other/Proprietary License", True),
        ("", True),  # says nothing
    ],
)
def test_the_rule_itself(words, refused):
    assert (verdict("some-package", words) is not None) is refused
