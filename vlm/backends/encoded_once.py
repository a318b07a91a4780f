"""Images that go through the vision tower once, however many prompts show them.

Transformers models take an encoder's output in place of pixels (`mm_encoder_outputs`). Where a model's pixels are one
block an image and its features one row an image (LLaVA's kind, the embedded model among them), each image's features
are kept and put together as a prompt shows them. Other models (Qwen's packed patches) are given their pixels as usual.
"""

from __future__ import annotations

from typing import Any

BLOCKS = 4  # dimensions of pixels that are one block an image: (images, channels, rows, columns)


class EncodedOnce:
    """Keeps the features of each image that a model was shown.

    Args:
        model: a transformers model with a vision tower.
    """

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - transformers is imported late
        self._model = model
        self._known: list[tuple[Any, Any]] = []  # one image's pixels, and its features

    def inputs(self, given: Any) -> dict[str, Any]:  # noqa: ANN401 - a BatchFeature
        """The processor's inputs, the features in place of the pixels where the model allows it."""
        inputs = dict(given)
        pixels = inputs.get("pixel_values")
        if pixels is None or pixels.ndim != BLOCKS or not hasattr(self._model, "get_image_features"):
            return inputs
        features = [self._features(one) for one in pixels.split(1)]
        del inputs["pixel_values"]
        return {**inputs, "mm_encoder_outputs": {"image": _Features(_together(features))}}

    def _features(self, pixels: Any) -> Any:  # noqa: ANN401 - torch tensors
        """One image's features, in the form that the model itself gives them."""
        import torch

        for known, features in self._known:
            if known.shape == pixels.shape and bool((known == pixels).all()):
                return features
        with torch.inference_mode():
            features = self._model.get_image_features(pixel_values=pixels, return_dict=True).pooler_output
        self._known.append((pixels, features))
        return features


def _together(features: list[Any]) -> Any:  # noqa: ANN401
    """The features of several images as one model output: a block with one row an image, or a list of rows."""
    import torch

    if isinstance(features[0], torch.Tensor):
        return torch.cat(features)
    return [row for one in features for row in one]


class _Features:
    """What a model reads of its vision tower's output."""

    def __init__(self, pooled: Any) -> None:  # noqa: ANN401 - a torch tensor
        self.pooler_output = pooled
