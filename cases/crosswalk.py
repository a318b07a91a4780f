"""The way back from pseudonyms to people: an encrypted file with a key of its own, read at matching and export only.

Also the keys of a site, from which pseudonyms, date shifts, UIDs and case names are derived (HMAC-SHA-256, RFC 2104):
who does not hold them can neither read nor guess them, and the same patient always gets the same.

Not here: what the identifiers are (`cases.identity`), or the log of reads; each is told to the caller, who keeps it.
Encryption is Fernet (AES-128-CBC with HMAC-SHA-256). Lines are only ever added, so that writing never decrypts.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken

from cases.identity import Identity
from cases.paths import StorePaths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any, Self

_LONGEST_SHIFT_DAYS = 1825
_OWNER_ONLY = 0o600


class CrosswalkError(Exception):
    """The way back to a patient is not open."""


class KeyFileError(CrosswalkError):
    """A key file is missing its content, or lies open to others."""


class UnknownCaseError(CrosswalkError, LookupError):
    """The crosswalk holds no such case."""


class Purpose(StrEnum):
    """The only two reasons to look behind a pseudonym."""

    MATCHING = "matching"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class CrosswalkRead:
    """That an identity was looked up: what the caller writes into the ledger (no identifier is in it)."""

    case_id: str
    purpose: Purpose


class Crosswalk:
    """Case by case, who the patient is.

    Args:
        file: of encrypted lines; created when the first case is kept.
        key: 44 characters, as `Fernet.generate_key` makes them.
    """

    def __init__(self, file: Path, key: bytes) -> None:
        self._file = file
        self._fernet = Fernet(key)

    def __repr__(self) -> str:
        return "Crosswalk()"

    def keep(self, case_id: str, identity: Identity) -> None:
        """Add one line, on disk when this returns; nothing is read."""
        line = self._fernet.encrypt(json.dumps({"case_id": case_id, "identity": asdict(identity)}).encode())
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _OWNER_ONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, b"\n" + line + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def look_up(self, case_id: str, *, purpose: Purpose, report: Callable[[CrosswalkRead], None]) -> Identity:
        """Who the patient of a case is.

        Args:
            case_id: our own name of the case.
            purpose: matching or export.
            report: is told before the answer is given; if it raises, there is none.

        Raises:
            UnknownCaseError: no line of that case can be read with this key.
        """
        found, unreadable = None, 0
        for line in self._lines():
            record = self._decrypted(line)
            unreadable += record is None
            if record is not None and record["case_id"] == case_id:
                found = record["identity"]
        if found is None:
            msg = f"the crosswalk holds no case {case_id} ({unreadable} lines cannot be read with this key)"
            raise UnknownCaseError(msg)
        report(CrosswalkRead(case_id, purpose))
        return Identity(**{**found, "people": tuple(found["people"]), "words": tuple(found["words"])})

    def _lines(self) -> Iterator[bytes]:
        if self._file.exists():
            yield from (line for line in self._file.read_bytes().split(b"\n") if line)

    def _decrypted(self, line: bytes) -> dict[str, Any] | None:
        try:
            record: dict[str, Any] = json.loads(self._fernet.decrypt(line))
        except InvalidToken:
            return None
        return record


@dataclass(frozen=True, slots=True)
class Site:
    """The keys of one store, and its crosswalk.

    Attributes:
        pseudonym_key: of pseudonyms, UIDs and case names.
        date_key: of the date shifts; apart, so that one can be given away without the other.
    """

    pseudonym_key: bytes = field(repr=False)
    date_key: bytes = field(repr=False)
    crosswalk: Crosswalk

    @classmethod
    def beside(cls, store: Path) -> Self:
        """The keys that lie beside a store, made on first use, each readable by its owner only.

        Raises:
            KeyFileError: a key file is empty or open to others.
        """
        paths = StorePaths(store)
        paths.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        pseudonym, dates, crosswalk = (_key(paths.keys / f"{name}.key") for name in ("pseudonym", "dates", "crosswalk"))
        return cls(pseudonym, dates, Crosswalk(paths.crosswalk, crosswalk))

    def pseudonym(self, identity: Identity) -> str:
        """The patient's pseudonym: the same for all studies of a patient in this store."""
        return f"P-{_mac(self.pseudonym_key, 'patient', identity.patient_key).hex()[:16].upper()}"

    def shift_days(self, identity: Identity) -> int:
        """The patient's date shift: 1 to 1825 days back, one for each patient."""
        number = int.from_bytes(_mac(self.date_key, "shift", identity.patient_key)[:8], "big")
        return -(1 + number % _LONGEST_SHIFT_DAYS)

    def uid(self, old: str) -> str:
        """A UID of our own for an old one, in the form of PS3.5 B.2 (2.25 and an integer of 128 bits)."""
        return f"2.25.{int.from_bytes(_mac(self.pseudonym_key, 'uid', old)[:16], 'big')}"

    def case_id(self, identity: Identity, content: str) -> str:
        """The case's name: the same when the same study with the same content comes in again."""
        whole = f"{identity.study_instance_uid}\x1f{content}"
        return f"C-{_mac(self.pseudonym_key, 'case', whole).hex()[:16]}"


def _mac(key: bytes, label: str, text: str) -> bytes:
    return hmac.new(key, f"{label}\x1f{text}".encode(), hashlib.sha256).digest()


def _key(file: Path) -> bytes:
    """The key in a file, made when there is none; two processes that start at once get the same one."""
    if not file.exists():
        part = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        try:
            os.write(descriptor, Fernet.generate_key())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(part, file)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return _checked_key(file)


def _checked_key(file: Path) -> bytes:
    if file.stat().st_mode & 0o077:
        msg = f"the key {file.name} can be read by others: chmod 600 it, and ask who has seen it"
        raise KeyFileError(msg)
    key = file.read_bytes().strip()
    if len(key) != 44:
        msg = f"the key {file.name} holds {len(key)} characters, not 44: restore it from the backup of the key folder"
        raise KeyFileError(msg)
    return key
