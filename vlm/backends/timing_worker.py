"""The process of one timed run: takes a task, times it, sends what it measured or why it could not.

Started by `vlm.timing`, never by hand. Only the kind of an unforeseen error is sent, and the first line of its text.
"""

from __future__ import annotations

import sys
from multiprocessing.connection import Connection

from vlm.timing import NotMeasured, Task, Timed

LONGEST_REASON = 200


def main() -> None:
    """Serve the connection whose file descriptor is the first argument."""
    with Connection(int(sys.argv[1])) as connection:
        connection.send(outcome(connection.recv()))


def outcome(task: Task) -> Timed | NotMeasured:
    """What the task measured, or the reason in words."""
    from vlm.backends.timing import NotMeasurableError, measure
    from vlm.errors import ModelLoadError

    try:
        return measure(task)
    except (NotMeasurableError, ModelLoadError) as fault:
        return NotMeasured(str(fault))
    except Exception as fault:  # noqa: BLE001 - a row of a table, not an answer about a patient
        first = str(fault).strip().partition("\n")[0][:LONGEST_REASON]
        return NotMeasured(f"the run raised {type(fault).__name__}: {first}")
