"""What the families differ in when they are loaded: model class, processor, and which modules stay whole.

Classes and processors are transformers' own throughout. Not here: prompts, codecs and how an image is fitted
(`vlm.families`); a family that is named there and not here can only be reached through a server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from vlm.backends import maira2
from vlm.errors import ModelLoadError
from vlm.families import family_named

LOCAL: Final[Mapping[str, Any]] = MappingProxyType({"local_files_only": True, "trust_remote_code": False})
LLAVA_PARTS: Final = ("model.vision_tower", "model.multi_modal_projector", "lm_head")
QWEN_PARTS: Final = ("model.visual", "lm_head")
GEOMETRY: Final = ("do_resize", "do_center_crop", "do_pan_and_scan", "do_pad")


@dataclass(frozen=True, slots=True)
class Architecture:
    """How one family is loaded from a folder.

    Attributes:
        model_types: what its `config.json` may call itself; another is another family.
        kept_whole: full names of the modules that are never quantized, with all that is in them.
        configuration: from the folder.
        model: the class whose `from_pretrained` is called, for a configuration.
        processor: from the folder and the configuration.
        key_mapping: patterns of tensor names that are renamed, for a configuration; empty for most.
        input_step: the side of the model's input is a multiple of it, for a configuration.
        input_side: the only side of input that the tower takes, for a configuration; None where it takes any.
    """

    model_types: tuple[str, ...]
    kept_whole: tuple[str, ...]
    configuration: Callable[[Path], Any]
    model: Callable[[Any], Any]
    processor: Callable[[Path, Any], Any]
    key_mapping: Callable[[Any], dict[str, str]] = lambda _: {}
    input_step: Callable[[Any], int] = lambda _: 1
    input_side: Callable[[Any], int | None] = lambda _: None


def architecture_of(family: str) -> Architecture:
    """How the models of a family are loaded.

    Raises:
        ModelLoadError: no family has that name, or nothing here loads it.
    """
    try:
        return ARCHITECTURES[family_named(family).architecture]
    except LookupError as fault:
        msg = f"no architecture of family {family!r} loads here: take one of {', '.join(ARCHITECTURES)}, or a server"
        raise ModelLoadError(msg) from fault


def keep_geometry(processor: Any) -> None:  # noqa: ANN401 - transformers is imported late
    """Turn off every step of an image processor that moves pixels: `vlm.preprocess` has laid the image in already."""
    for step in GEOMETRY:
        if hasattr(processor.image_processor, step):
            setattr(processor.image_processor, step, False)


def _configuration(folder: Path) -> Any:  # noqa: ANN401
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(folder, **LOCAL)


def _auto_model(_: Any) -> Any:  # noqa: ANN401
    from transformers import AutoModelForImageTextToText

    return AutoModelForImageTextToText


def _auto_processor(folder: Path, _: Any) -> Any:  # noqa: ANN401
    from transformers import AutoProcessor

    return AutoProcessor.from_pretrained(folder, **LOCAL)


def _image_side(config: Any) -> int:  # noqa: ANN401
    return int(config.vision_config.image_size)


def _qwen_step(config: Any) -> int:  # noqa: ANN401
    """A token of Qwen's is a square of patches."""
    return int(config.vision_config.patch_size * config.vision_config.spatial_merge_size)


def _qwen_processor(folder: Path, config: Any) -> Any:  # noqa: ANN401
    """Qwen's own processor without its half for videos, which alone needs torchvision and which nothing here uses."""
    import transformers
    from transformers.processing_utils import ProcessorMixin

    own = transformers.Qwen3VLProcessor if config.model_type == "qwen3_vl" else transformers.Qwen2_5_VLProcessor

    class ImagesOnly(own):  # type: ignore[misc, valid-type]
        """The library reads the parts of a processor from this signature."""

        def __init__(
            self,
            image_processor: Any = None,  # noqa: ANN401
            tokenizer: Any = None,  # noqa: ANN401
            chat_template: str | None = None,
            **_: object,
        ) -> None:
            for kind in ("image", "video"):
                token = f"<|{kind}_pad|>"
                setattr(self, f"{kind}_token", token)
                setattr(self, f"{kind}_token_id", tokenizer.convert_tokens_to_ids(token))
            ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **LOCAL)
    images = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil", **LOCAL)
    return ImagesOnly(images, tokenizer, chat_template=tokenizer.chat_template or maira2.chat_template(folder))


ARCHITECTURES: Final[Mapping[str, Architecture]] = MappingProxyType(
    {
        "overread": Architecture(("fast_vlm",), LLAVA_PARTS, _configuration, _auto_model, _auto_processor),
        "gemma3": Architecture(
            ("gemma3",), LLAVA_PARTS, _configuration, _auto_model, _auto_processor, input_side=_image_side
        ),
        "maira2": Architecture(
            ("llava",),
            LLAVA_PARTS,
            maira2.configuration,
            lambda _: maira2.model_class(),
            maira2.processor,
            key_mapping=lambda config: maira2.key_mapping(config.projector_n_layers),
            input_side=_image_side,
        ),
        "qwen2_5_vl": Architecture(
            ("qwen2_5_vl",), QWEN_PARTS, _configuration, _auto_model, _qwen_processor, input_step=_qwen_step
        ),
        "qwen3_vl": Architecture(
            ("qwen3_vl",), QWEN_PARTS, _configuration, _auto_model, _qwen_processor, input_step=_qwen_step
        ),
    }
)
