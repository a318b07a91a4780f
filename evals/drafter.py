"""The product's own drafting, bound to one backend, as the referee calls it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cases.draft import Draft
from cases.pixels import Rendered
from cases.study import Case
from evals.trial import Drafter
from vlm.backend import Backend
from vlm.draft import draft_case


def product_drafter(backend: Backend, *, now: Callable[[], datetime], new_id: Callable[[], str]) -> Drafter:
    """`vlm.draft.draft_case` with everything but the case filled in: evaluation has no path of its own."""

    def draft(case: Case, *, pixels: Rendered) -> Draft:
        return draft_case(case, pixels=pixels, backend=backend, now=now, new_id=new_id)

    return draft
