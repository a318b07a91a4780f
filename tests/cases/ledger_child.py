"""A process that signs and is killed while it does: at a marked commit point of its own, or by its parent at any time.

Run as `ledger_child.py STORE FIRST COUNT [POINT]`. Prints the id of each review that the store acknowledged, and no
other; a line that the parent reads is a promise made to a reader.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import ledger_samples as samples

from cases.store import Store

REOPEN_EVERY = 5  # so that random kills also fall into the checkpoint at closing and into opening


def killer(point):
    """Called at every marked place; ends the process at the one asked for."""

    def checkpoint(reached):
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return checkpoint


def sign_some(path, names, point):
    with Store.open(path, now=samples.Clock(), checkpoint=killer(point)) as store:
        for name in names:
            receipt = store.sign(samples.blind_review(f"r-{name}", name), agent_role="reader")
            print(f"r-{name} {receipt.sequence}", flush=True)


def main(path, first, count, point=None):
    names = [f"c{index}" for index in range(int(first), int(first) + int(count))]
    print("started", flush=True)
    for at in range(0, len(names), REOPEN_EVERY):
        sign_some(Path(path), names[at : at + REOPEN_EVERY], point)


if __name__ == "__main__":
    main(*sys.argv[1:])
