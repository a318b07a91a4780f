"""The cheapest pairing of rows with columns, each at most once: exact, for the few sentences of a report.

The Hungarian method with potentials, as in Kuhn HW, Naval Research Logistics Quarterly 1955;2:83-97; cubic in the
larger side. This room takes no numeric library for it; the tests hold it against scipy's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def assigned(costs: Sequence[Sequence[float]]) -> tuple[tuple[int, int], ...]:
    """As many pairs (row, column) as the shorter side has, of least total cost, in the order of the rows.

    Args:
        costs: rows of equal length, finite.

    Raises:
        ValueError: the rows differ in length, or a cost is not finite.

    >>> assigned([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0]])
    ((0, 1), (1, 0))
    >>> assigned([[4.0], [1.0]])
    ((1, 0),)
    """
    if len({len(row) for row in costs}) > 1 or not all(math.isfinite(cost) for row in costs for cost in row):
        msg = "costs are finite, and as many in each row"
        raise ValueError(msg)
    if not costs or not costs[0]:
        return ()
    if len(costs) > len(costs[0]):
        turned = [[row[column] for row in costs] for column in range(len(costs[0]))]
        return tuple(sorted((row, column) for column, row in assigned(turned)))
    return _wide(costs)


def _wide(costs: Sequence[Sequence[float]]) -> tuple[tuple[int, int], ...]:
    """The pairing where no row goes without a column."""
    owner: list[int | None] = [None] * len(costs[0])  # of each column, its row
    of_row, of_column = [0.0] * len(costs), [0.0] * len(costs[0])  # the potentials
    for row in range(len(costs)):
        _take_in(row, costs, owner, of_row, of_column)
    return tuple(sorted((row, column) for column, row in enumerate(owner) if row is not None))


def _take_in(
    newcomer: int,
    costs: Sequence[Sequence[float]],
    owner: list[int | None],
    of_row: list[float],
    of_column: list[float],
) -> None:
    """Give one more row a column, moving others along the cheapest path (Dijkstra on reduced costs)."""
    width = len(owner)
    distance, came_from, done = [math.inf] * width, [-1] * width, [False] * width
    row, column, reached = newcomer, -1, 0.0
    while True:
        for other in range(width):
            reduced = reached + costs[row][other] - of_row[row] - of_column[other]
            if not done[other] and reduced < distance[other]:
                distance[other], came_from[other] = reduced, column
        column = min((one for one in range(width) if not done[one]), key=lambda one: distance[one])
        done[column], reached = True, distance[column]
        held = owner[column]
        if held is None:
            break
        row = held
    of_row[newcomer] += reached
    for other in range(width):
        holder = owner[other]
        if done[other] and holder is not None:
            of_row[holder] += reached - distance[other]
            of_column[other] -= reached - distance[other]
    while column != -1:
        before = came_from[column]
        owner[column] = newcomer if before == -1 else owner[before]
        column = before
