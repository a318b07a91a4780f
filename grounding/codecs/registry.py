"""Codecs by "name@version", imported when asked for: a stored draft names the codec that read it.

A new spelling is a new version, never a change of an old one, since drafts of the pilot must stay readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final

from grounding.codecs.phrase import Codec

CODECS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gemma-box2d@1": "grounding.codecs.gemma:GemmaCodec",
        "maira2@1": "grounding.codecs.maira2:Maira2Codec",
        "overread-cells@1": "grounding.codecs.cells:CellsCodec",
        "prose@1": "grounding.codecs.prose:ProseCodec",
        "qwen2.5-vl@1": "grounding.codecs.qwen25:Qwen25Codec",
        "qwen3-vl@1": "grounding.codecs.qwen3:Qwen3Codec",
        "radfact@1": "grounding.codecs.radfact:RadFactCodec",
    }
)


def codec_named(name: str) -> Codec:
    """The codec of that name and version.

    Raises:
        LookupError: no such codec, or its module does not keep what the registry promises.

    >>> codec_named("maira2@1").name
    'maira2@1'
    """
    if name not in CODECS:
        msg = f"no codec is named {name!r}: take one of {', '.join(sorted(CODECS))}"
        raise LookupError(msg)
    module, attribute = CODECS[name].split(":")
    codec = getattr(import_module(module), attribute)()
    if not isinstance(codec, Codec) or codec.name != name:
        msg = f"{CODECS[name]} is not the codec {name!r}: mend grounding.codecs.registry.CODECS"
        raise LookupError(msg)
    return codec
