"""kill -9 while signing: no acknowledged review lost, torn or doubled, and the chain verifies after reopening.

Every marked commit point once, and kills at random moments (a handful here, 100 in the campaign). Random kills alone
are the easy case: 0 failures in 100 only shows a rate under 3 %.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cases.store import CommitPoint, Store

CHILD = Path(__file__).with_name("ledger_child.py")
MOST_PROMISES = 25  # more than a child signs before it is killed
DURABLE = {CommitPoint.COMMITTED, CommitPoint.READ_BACK}


def start(path, first, count, *point, stderr=subprocess.PIPE):
    command = [sys.executable, str(CHILD), str(path), str(first), str(count), *point]
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, text=True, env={**os.environ, "PYTHONPATH": str(root)}
    )


def acknowledged(output):
    """The promises in what was heard; a line cut short is none."""
    lines = [line.split() for line in output.splitlines(keepends=True) if line.startswith("r-") and line.endswith("\n")]
    return {name: int(sequence) for name, sequence in lines}


def check_nothing_lost_torn_or_doubled(samples, path, promised, fresh):
    """Hold the store against every promise so far; ask again for the fresh ones, of this child."""
    with Store.open(path, now=samples.Clock()) as store:
        found = store.verify()
        assert found.ok, found
        signed = store.reviews()
        names = [review.review_id for review in signed]
        assert len(set(names)) == len(names), "doubled"
        assert promised.keys() <= set(names), "lost"
        assert all(review == samples.blind_review(review.review_id, review.case_id) for review in signed), "torn"
        # a client that never heard back asks again: same review, same place in the chain, nothing doubled
        for name, sequence in fresh.items():
            again = store.sign(samples.blind_review(name, name.removeprefix("r-")), agent_role="reader")
            assert again.sequence == sequence
        assert len(store.reviews()) == len(signed)
        return names


@pytest.fixture
def path(tmp_path, samples):
    path = tmp_path / "ledger.duckdb"
    with Store.open(path, now=samples.Clock()) as store:
        for index in range(3):
            store.register(samples.case(f"c{index}"), agent="import", role="importer")
    return path


@pytest.mark.parametrize("point", list(CommitPoint))
def test_killed_at_each_marked_point_of_a_signature(samples, path, point):
    child = start(path, 0, 1, point)
    output, errors = child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL, errors
    assert acknowledged(output) == {}  # the child died before it could say so
    names = check_nothing_lost_torn_or_doubled(samples, path, {}, {})
    assert names == (["r-c0"] if point in DURABLE else [])
    with Store.open(path, now=samples.Clock()) as store:  # and the reader's next click signs it, once
        store.sign(samples.blind_review("r-c0", "c0"), agent_role="reader")
        assert [review.review_id for review in store.reviews()] == ["r-c0"]
        assert store.verify().ok


@pytest.mark.parametrize("point", list(CommitPoint))
def test_killed_while_the_store_is_being_made(samples, tmp_path, point):
    path = tmp_path / "new.duckdb"
    child = start(path, 0, 1, point)
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    with Store.open(path, now=samples.Clock()) as store:
        assert store.verify().ok
        assert len(store.rows("SELECT * FROM v_cases")) == 0


def killed_at_random(samples, path, count, seed):
    """Kill after a random number of promises (0 to 11, so over two closings) and a random moment more."""
    rng = random.Random(seed)
    with Store.open(path, now=samples.Clock()) as store:
        for index in range(3, count * MOST_PROMISES):
            store.register(samples.case(f"c{index}"), agent="import", role="importer")
    promised, first = {}, 0
    for _ in range(count):
        with start(path, first, count * MOST_PROMISES - first, stderr=subprocess.DEVNULL) as child:
            heard = [child.stdout.readline() for _ in range(1 + rng.randrange(12))]
            time.sleep(rng.uniform(0.0, 0.03))
            child.kill()
            heard.append(child.stdout.read())
        assert child.returncode == -signal.SIGKILL
        fresh = acknowledged("".join(heard))
        promised |= fresh
        names = check_nothing_lost_torn_or_doubled(samples, path, promised, fresh)
        first = max((int(name.removeprefix("r-c")) + 1 for name in names), default=0)
    return promised


def test_killed_at_random_moments(samples, path):
    assert killed_at_random(samples, path, 4, seed=1)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_killed_at_100_random_moments(samples, tmp_path):
    promised = 0
    for round_ in range(10):
        path = tmp_path / f"{round_}.duckdb"
        with Store.open(path, now=samples.Clock()) as store:
            for index in range(3):
                store.register(samples.case(f"c{index}"), agent="import", role="importer")
        promised += len(killed_at_random(samples, path, 10, seed=round_))
    assert promised > 100  # the kills fell into work, not before it


def test_a_full_disk_is_never_a_signature(samples, path, tmp_path):
    """A limit on file size stands in for the full disk: the write fails and promises nothing, a retry signs once."""
    script = tmp_path / "full.py"
    script.write_text(
        f"""
import resource, sys
sys.path[:0] = [{str(CHILD.parent)!r}, {str(CHILD.parents[2])!r}]
import ledger_samples as samples
from pathlib import Path
from cases.store import Store, StoreFaultError
store = Store.open(Path({str(path)!r}), now=samples.Clock())
review = samples.blind_review("r-c0", "c0")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    store.sign(review, agent_role="reader")
    print("signed")
except StoreFaultError:
    print("refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
try:
    receipt = store.sign(review, agent_role="reader")
except StoreFaultError:
    store = Store.open(Path({str(path)!r}), now=samples.Clock())
    receipt = store.sign(review, agent_role="reader")
print(receipt.sequence, len(store.reviews()), store.verify().ok)
"""
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    lines = done.stdout.split("\n")
    assert lines[0] == "refused", (done.stdout, done.stderr)
    assert lines[1].split()[1:] == ["1", "True"], (done.stdout, done.stderr)
