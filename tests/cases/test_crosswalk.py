"""Keys and the way back: apart, encrypted, told when read."""

from __future__ import annotations

import stat
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from cases.crosswalk import Crosswalk, CrosswalkRead, KeyFileError, Purpose, Site, UnknownCaseError
from cases.identity import identity_of


@pytest.fixture
def identity(files):
    return identity_of(files.radiograph())


def test_the_way_back_and_that_it_was_taken(tmp_path, files, identity):
    site, reads = Site.beside(tmp_path / "p.duckdb"), []
    site.crosswalk.keep("C-1", identity)
    site.crosswalk.keep("C-2", identity_of(files.radiograph(PatientID="OTHER")))
    assert reads == []
    assert site.crosswalk.look_up("C-1", purpose=Purpose.EXPORT, report=reads.append) == identity
    assert reads == [CrosswalkRead("C-1", Purpose.EXPORT)]
    # another process, later, with the keys on disk
    again = Site.beside(tmp_path / "p.duckdb")
    assert again.crosswalk.look_up("C-2", purpose=Purpose.MATCHING, report=reads.append).patient_id == "OTHER"


def test_a_read_that_cannot_be_logged_is_not_given(tmp_path, identity):
    site = Site.beside(tmp_path / "p.duckdb")
    site.crosswalk.keep("C-1", identity)

    def broken(read):
        raise OSError("the ledger is full")

    with pytest.raises(OSError, match="full"):
        site.crosswalk.look_up("C-1", purpose=Purpose.EXPORT, report=broken)


def test_nothing_on_disk_can_be_read_without_the_key(tmp_path, files, identity):
    store = tmp_path / "p.duckdb"
    Site.beside(store).crosswalk.keep("C-1", identity)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert not [secret for secret in (*files.SECRETS, "C-1") if secret.encode() in file.read_bytes()]
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other = Site.beside(tmp_path / "q.duckdb")
    stranger = Crosswalk(tmp_path / "p.duckdb.crosswalk", (tmp_path / "q.duckdb.keys" / "crosswalk.key").read_bytes())
    with pytest.raises(UnknownCaseError, match="1 lines cannot be read"):
        stranger.look_up("C-1", purpose=Purpose.EXPORT, report=lambda read: None)
    with pytest.raises(UnknownCaseError, match="no case"):
        other.crosswalk.look_up("C-1", purpose=Purpose.EXPORT, report=lambda read: None)


def test_a_torn_line_hides_no_other(tmp_path, identity):
    store = tmp_path / "p.duckdb"
    site = Site.beside(store)
    site.crosswalk.keep("C-1", identity)
    file = Path(f"{store}.crosswalk")
    file.write_bytes(file.read_bytes() + b"gAAAAABtorn")  # the process died while it wrote
    site.crosswalk.keep("C-2", identity)
    for case_id in ("C-1", "C-2"):
        assert site.crosswalk.look_up(case_id, purpose=Purpose.EXPORT, report=lambda read: None) == identity


def test_pseudonyms_need_the_key_and_stay_the_same(tmp_path, files, identity):
    site, other = Site.beside(tmp_path / "p.duckdb"), Site.beside(tmp_path / "q.duckdb")
    again = Site.beside(tmp_path / "p.duckdb")
    sibling = identity_of(files.radiograph(StudyInstanceUID="1.2.3", PatientName="Zebrowska^K"))
    assert site.pseudonym(identity) == again.pseudonym(identity) == site.pseudonym(sibling)
    assert site.shift_days(identity) == again.shift_days(sibling)
    assert site.pseudonym(identity) != other.pseudonym(identity)
    assert site.uid("1.2.3") != other.uid("1.2.3")
    assert site.case_id(identity, "a") != site.case_id(identity, "b") != other.case_id(identity, "b")
    assert "MRN" not in site.pseudonym(identity)


def test_shifts_lie_in_their_range_and_differ(tmp_path, files):
    site = Site.beside(tmp_path / "p.duckdb")
    shifts = {site.shift_days(identity_of(files.radiograph(PatientID=f"{number}"))) for number in range(200)}
    assert -1825 <= min(shifts) < max(shifts) <= -1
    assert len(shifts) > 150


def test_keys_that_others_can_read_or_that_are_broken_are_refused(tmp_path):
    Site.beside(tmp_path / "p.duckdb")
    key = tmp_path / "p.duckdb.keys" / "dates.key"
    key.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        Site.beside(tmp_path / "p.duckdb")
    key.chmod(0o600)
    key.write_bytes(b"short")
    with pytest.raises(KeyFileError, match="restore it"):
        Site.beside(tmp_path / "p.duckdb")


def test_two_that_start_at_once_get_the_same_keys(tmp_path):
    with ThreadPool(8) as pool:
        sites = pool.map(lambda _: Site.beside(tmp_path / "p.duckdb"), range(8))
    assert len({site.pseudonym_key for site in sites}) == 1
    assert len(list((tmp_path / "p.duckdb.keys").iterdir())) == 3


def test_keys_do_not_show_themselves(tmp_path):
    site = Site.beside(tmp_path / "p.duckdb")
    assert site.pseudonym_key.decode() not in repr(site)
    assert site.date_key.decode() not in repr(site)
