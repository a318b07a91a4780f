"""Write a trained checkpoint as the folder that the product loads: bf16 weights, configuration, processor, spec.

Run `python -m vlm.embedded.export --out var/train --to vlm/embedded/weights`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from vlm.embedded.architecture import SIDE_PX
from vlm.embedded.statements import TAUGHT_NOW
from vlm.embedded.tokens import build_processor
from vlm.embedded.train import start

MODEL_ID = "overread-embedded"


def export(out: Path, folder: Path) -> str:
    """Write the folder; the weights' SHA-256."""
    import torch

    trainer = start(out)
    trainer.model.generation_config.max_length = None
    trainer.model.to(torch.bfloat16).save_pretrained(folder)
    build_processor(trainer.tokenizer).save_pretrained(folder)
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    spec = {
        "model_id": MODEL_ID,
        "weights_sha256": digest,
        "codec": "overread-cells@1",
        "prompt": TAUGHT_NOW,
        "input_side_px": SIDE_PX,
        "dtype": "float32",
        "max_new_tokens": 360,
    }
    (folder / "spec.json").write_text(json.dumps(spec, indent=2) + "\n")
    return digest


def main() -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("var/train"))
    parser.add_argument("--to", type=Path, default=Path("vlm/embedded/weights"))
    args = parser.parse_args()
    print(export(args.out, args.to))  # noqa: T201 - the command's answer


if __name__ == "__main__":
    main()
