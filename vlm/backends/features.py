"""What a vision tower makes of an image, pooled to one vector: mean and spread of each channel of each of its maps.

A convolutional tower gives the maps of all its stages (early ones tell blur and noise, late ones anatomy); any other
gives its last tokens. The projector and the language model take no part.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cases.draft import FailureKind
from vlm.errors import BackendError

MAPS: Final = 4  # dimensions of a convolutional map: (images, channels, rows, columns)


def pooled(model: Any, pixel_values: Any) -> NDArray[np.float32]:  # noqa: ANN401 - torch is imported late
    """The vector of one image, (features,) float32.

    Raises:
        BackendError: the tower's numbers are not finite, or it has no form that is known here.
    """
    import torch

    with torch.inference_mode():
        maps = _maps(model, pixel_values)
        parts = [part for one in maps for part in _moments(one)]
        vector = torch.cat(parts).float().cpu().numpy()
    if not np.isfinite(vector).all():
        msg = "the vision tower gave numbers that are not finite: load the model with dtype float32 or bfloat16"
        raise BackendError(FailureKind.NON_FINITE, msg)
    return np.asarray(vector, dtype=np.float32)


def _maps(model: Any, pixel_values: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """The tower's maps as (positions, channels) each."""
    tower = getattr(getattr(model, "model", model), "vision_tower", None)
    if tower is None:
        found = model.get_image_features(pixel_values=pixel_values, return_dict=True)
        return (found.last_hidden_state.flatten(0, -2),)
    output = tower(pixel_values, output_hidden_states=True, return_dict=True)
    last = output.last_hidden_state if getattr(output, "last_hidden_state", None) is not None else None
    states = tuple(getattr(output, "hidden_states", None) or (last,))
    if states[0].ndim == MAPS:
        return tuple(one[0].flatten(1).T for one in states)
    return (states[-1][0],)


def _moments(values: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Mean and standard deviation of each channel over the positions."""
    return values.mean(dim=0), values.std(dim=0, correction=0)
