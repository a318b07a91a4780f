"""False boxes on radiographs labelled "No Finding": what a reader would have to look at and delete.

The label was mined from report text, so a few of these images may hold something; the figure is an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import numpy as np

from cases.draft import Draft, ModelIdentity
from evals.bootstrap import cluster_ci95, ratio
from evals.faults import Faults, draft_faults
from evals.rate import UNMEASURED, Figure, Rate
from evals.trial import Drafter, Trial

SEED = 0


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """On lesion-free images.

    Attributes:
        total_boxes: all of them false.
        per_image: boxes per image, interval by patient.
        images_with: images with at least one box.
    """

    total_boxes: int
    per_image: Figure
    images_with: Rate
    faults: Faults
    model: ModelIdentity | None

    def as_dict(self) -> dict[str, object]:
        """For `overread eval normals --json`."""
        return {
            "n_images": self.per_image.n,
            "false_boxes": self.total_boxes,
            "false_boxes_per_image": self.per_image.as_dict(),
            "images_with_a_box": self.images_with.as_dict(),
            "faults": self.faults.as_dict(),
            "model": None if self.model is None else asdict(self.model),
        }


def run(trials: Iterable[Trial], *, draft: Drafter, progress: Callable[[int], None] | None = None) -> FalseAlarms:
    """Draft lesion-free trials and count the boxes."""
    patients: list[str] = []
    drafts: list[Draft] = []
    for trial in trials:
        patients.append(trial.patient)
        drafts.append(draft(trial.case, pixels=trial.pixels))
        if progress is not None:
            progress(len(drafts))
    boxes = np.array([len(d.report.boxes) if d.report else 0 for d in drafts], dtype=np.float64)
    figure = UNMEASURED
    if drafts:
        interval = cluster_ci95(patients, ratio(boxes, np.ones(boxes.size)), seed=SEED)
        figure = Figure(float(boxes.mean()), interval, boxes.size)
    return FalseAlarms(
        total_boxes=int(boxes.sum()),
        per_image=figure,
        images_with=Rate(int((boxes > 0).sum()), boxes.size),
        faults=draft_faults(drafts),
        model=drafts[0].model if drafts else None,
    )
