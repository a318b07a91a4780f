"""Rows of the speed table: medians of repeats, the memory-bandwidth floor, and ratios within one run. Pure arithmetic.

The floor of a decoding step is the time that reading its weights once would take at the bandwidth of a large copy on
the same device, measured in the same process: bytes per token / (bytes read plus written per second). The share of the
floor is floor / measured, 1 at best on a GPU. Where the weights fit into a processor's caches it may exceed 1, since a
large copy does not. The floor leaves out activations, sampling and the reading of keys and values.

Timing itself is in `vlm.backends.timing`; absolute times are this machine's, ratios carry further.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evals.bootstrap import RESAMPLES
from evals.rate import UNMEASURED, Figure
from vlm.model_spec import Quantization
from vlm.timing import Effort, NotMeasured, Timed

EAGER, COMPILED = "eager", "compiled"
MILLI = 1000.0
REFERENCE = ("bfloat16", Quantization.NONE.value, EAGER)


@dataclass(frozen=True, slots=True)
class RowKey:
    """Which row of the table.

    Attributes:
        subject: name of the model or shape.
        dtype: of what is not quantized.
        quantization: value of `Quantization`.
        mode: "eager" or "compiled".
    """

    subject: str
    dtype: str
    quantization: str
    mode: str

    @property
    def weights(self) -> str:
        """How the weights are stored, in the table's word.

        >>> RowKey("m", "float32", "nf4", "eager").weights
        'nf4 (float32)'
        >>> RowKey("m", "bfloat16", "none", "eager").weights
        'bfloat16'
        """
        whole = self.quantization == Quantization.NONE
        return self.dtype if whole else f"{self.quantization} ({self.dtype})"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what was asked and what came of it."""

    key: RowKey
    effort: Effort
    result: Timed | NotMeasured


@dataclass(frozen=True, slots=True)
class RowFigures:
    """The figures of one row; all unmeasured where the run was not, and then `reason` says why.

    Attributes:
        token_ms, prefill_ms, image_ms, draft_s: medians over repeats.
        copy_gb_per_s: median over tries.
        floor_ms: of one decoding step; None where unmeasured.
        floor_share: floor over measured; its interval is that of `token_ms`.
        peak_mib, held_mib: peak memory, and the model with its quantization state.
        relative: `token_ms` over that of the whole bfloat16 model decoding eagerly in the same run.
        reason: why nothing was measured.
    """

    token_ms: Figure
    prefill_ms: Figure
    image_ms: Figure
    draft_s: Figure
    copy_gb_per_s: Figure
    floor_ms: float | None
    floor_share: Figure
    peak_mib: float | None
    held_mib: float | None
    relative: float | None
    reason: str | None

    def as_dict(self) -> dict[str, object]:
        """The shape that `overread bench --json` prints for a row."""
        names = ("token_ms", "prefill_ms", "image_ms", "draft_s", "copy_gb_per_s", "floor_share")
        figures: dict[str, object] = {name: getattr(self, name).as_dict() for name in names}
        plain = ("floor_ms", "peak_mib", "held_mib", "relative", "reason")
        return figures | {name: getattr(self, name) for name in plain}


def floor_ms(bytes_per_token: int, bytes_per_s: float) -> float:
    """Milliseconds that reading so many bytes takes at that bandwidth.

    Source: performance notes of one H200: 7.74 GB of a 4B model in bfloat16 at 4.3 TB/s.

    >>> round(floor_ms(7_740_000_000, 4.3e12), 2)
    1.8
    """
    return bytes_per_token / bytes_per_s * MILLI


def figures(rows: Sequence[Row], row: Row, *, seed: int = 0) -> RowFigures:
    """The figures of one row.

    Args:
        rows: all of the run, to find the reference of the ratio.
        row: one of them.
        seed: of the bootstrap over repeats.
    """
    if isinstance(row.result, NotMeasured):
        return _unmeasured(row.result.reason)
    timed = row.result
    token = median_of(timed.token_s, scale=MILLI, seed=seed)
    bandwidth = median_of(timed.copy_bytes_per_s, scale=1e-9, seed=seed)
    floor = floor_ms(timed.bytes_per_token, float(np.median(timed.copy_bytes_per_s)))
    return RowFigures(
        token_ms=token,
        prefill_ms=median_of(timed.prefill_s, scale=MILLI, seed=seed),
        image_ms=median_of(timed.image_s, scale=MILLI, seed=seed),
        draft_s=median_of(timed.draft_s, scale=1.0, seed=seed),
        copy_gb_per_s=bandwidth,
        floor_ms=floor,
        floor_share=share_of(floor, token),
        peak_mib=timed.peak_bytes / 2**20,
        held_mib=(timed.weight_bytes + timed.quant_state_bytes) / 2**20,
        relative=_relative(rows, row.key, token),
        reason=None,
    )


def median_of(values: Sequence[float], *, scale: float, seed: int) -> Figure:
    """The median of repeats with a bootstrap interval over them; no interval of a single one.

    >>> median_of([0.003, 0.001, 0.002], scale=1000.0, seed=0).value
    2.0
    >>> median_of([], scale=1.0, seed=0).n
    0
    """
    if not values:
        return UNMEASURED
    scaled = np.asarray(values, dtype=np.float64) * scale
    if scaled.size == 1:
        return Figure(float(scaled[0]), None, 1)
    drawn = np.random.default_rng(seed).integers(scaled.size, size=(RESAMPLES, scaled.size))
    low, high = np.quantile(np.median(scaled[drawn], axis=1), [0.025, 0.975])
    return Figure(float(np.median(scaled)), (float(low), float(high)), int(scaled.size))


def share_of(floor: float, token: Figure) -> Figure:
    """Floor over measured; the slow end of the times is the low end of the share.

    >>> share_of(1.8, Figure(3.0, (2.4, 3.6), 9)).as_dict()
    {'value': 0.6, 'ci95': [0.5, 0.75], 'n': 9}
    """
    if token.value is None:
        return UNMEASURED
    interval = None if token.ci95 is None else (floor / token.ci95[1], floor / token.ci95[0])
    return Figure(floor / token.value, interval, token.n)


def _relative(rows: Sequence[Row], key: RowKey, token: Figure) -> float | None:
    """This row's median step over the reference row's of the same subject."""
    wanted = RowKey(key.subject, *REFERENCE)
    found = [row.result for row in rows if row.key == wanted and isinstance(row.result, Timed)]
    if not found or token.value is None:
        return None
    return token.value / (float(np.median(found[0].token_s)) * MILLI)


def _unmeasured(reason: str) -> RowFigures:
    return RowFigures(
        token_ms=UNMEASURED,
        prefill_ms=UNMEASURED,
        image_ms=UNMEASURED,
        draft_s=UNMEASURED,
        copy_gb_per_s=UNMEASURED,
        floor_ms=None,
        floor_share=UNMEASURED,
        peak_mib=None,
        held_mib=None,
        relative=None,
        reason=reason,
    )
