"""The checks behind `overread doctor`: each looks at one thing and says what it found and how to mend it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from dashboard.commands.common import now
from dashboard.settings import PROJECT, unsafe_settings

ASK_TORCH = (
    "import json, torch; c = torch.cuda; "
    "print(json.dumps({'torch': torch.__version__, 'gpus': [c.get_device_name(i) for i in range(c.device_count())]}))"
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LOSSLESS = {
    "RLE": "1.2.840.10008.1.2.5",
    "JPEG lossless": "1.2.840.10008.1.2.4.70",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
}


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    OPTIONAL = "optional"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Attributes:
        name: what was looked at.
        state: ok, absent but optional, or missing.
        found: what is there, in words.
        mend: what to type or do; "" when nothing is to be done.
    """

    name: str
    state: State
    found: str
    mend: str = ""


def all_checks(store: Path) -> tuple[Check, ...]:
    """Every check, in the order in which a miss would bite."""
    return (
        python_check(),
        packages_check(),
        decoders_check(),
        gpu_check(),
        weights_check(),
        server_check(PROJECT / ".streamlit" / "config.toml"),
        store_check(store),
        browser_check(os.environ),
    )


def python_check() -> Check:
    """The interpreter's version."""
    return Check("Python", State.OK, f"{platform.python_version()} at {sys.executable} (3.11 or newer)")


def packages_check() -> Check:
    """Whether what the project requires at run time is installed."""
    named = [re.split(r"[<>=!~;\[ ]", line)[0] for line in requires("overread") or () if "extra ==" not in line]
    gone = [name for name in named if _version(name) is None]
    if gone:
        return Check("packages", State.MISSING, f"not installed: {', '.join(sorted(gone))}", "make setup")
    models = ", ".join(f"{name} {_version(name)}" for name in ("torch", "transformers", "bitsandbytes", "duckdb"))
    return Check("packages", State.OK, f"all {len(named)} that the program needs, among them {models}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def decoders_check() -> Check:
    """Whether each lossless DICOM encoding can be decoded."""
    from pydicom.pixels.decoders.base import get_decoder

    gone = [name for name, uid in LOSSLESS.items() if not get_decoder(uid).is_available]
    if gone:
        return Check("DICOM decoders", State.MISSING, f"none for {', '.join(gone)}", "make setup")
    return Check("DICOM decoders", State.OK, "uncompressed, " + ", ".join(LOSSLESS))


def gpu_check() -> Check:
    """A CUDA device, as torch sees it; the embedded model needs none."""
    asked = subprocess.run(  # noqa: S603 - our own interpreter, a fixed program
        [sys.executable, "-c", ASK_TORCH], capture_output=True, text=True, check=False, timeout=120
    )
    if asked.returncode != 0:
        return Check("GPU", State.MISSING, "torch does not start in a process of its own", "make setup")
    answer = json.loads(asked.stdout)
    if answer["gpus"]:
        return Check("GPU", State.OK, f"{', '.join(answer['gpus'])} with torch {answer['torch']}")
    return Check("GPU", State.OPTIONAL, f"none (torch {answer['torch']}); the embedded model drafts on the CPU")


def weights_check() -> Check:
    """Whether the embedded model's weights are there and are the ones the project names."""
    from vlm.errors import ModelLoadError
    from vlm.registry import embedded_spec

    mend = "take the folder vlm/embedded/weights from the project's repository again (git checkout -- vlm/embedded)"
    try:
        spec = embedded_spec()
        found = hashlib.sha256((spec.local_folder / "model.safetensors").read_bytes()).hexdigest()
    except (ModelLoadError, OSError, LookupError, ValueError) as error:
        return Check("weights", State.MISSING, f"not readable: {error}", mend)
    if found != spec.weights_sha256:
        return Check("weights", State.MISSING, f"{spec.model_id}: SHA-256 {found[:12]}, not the named one", mend)
    return Check("weights", State.OK, f"{spec.model_id}, SHA-256 {found[:12]} as named")


def server_check(config: Path) -> Check:
    """Whether the dashboard's settings file keeps the server on this machine and silent about its cases."""
    name, mend = "server settings", "git checkout -- .streamlit/config.toml"
    try:
        settings = tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return Check(
            name, State.MISSING, "no readable .streamlit/config.toml", "git checkout -- .streamlit/config.toml"
        )
    unsafe = unsafe_settings(lambda option: _option(settings, option))
    if unsafe:
        return Check(name, State.MISSING, "; ".join(unsafe), mend)
    return Check(name, State.OK, "loopback only, CORS and XSRF protection on, no statistics, no error details")


def _option(settings: Mapping[str, object], option: str) -> object:
    section, _, key = option.partition(".")
    values = settings.get(section)
    return values.get(key) if isinstance(values, dict) else None


def store_check(path: Path) -> Check:
    """Whether the store opens and its ledger holds."""
    from cases.store import Store
    from cases.store.errors import StoreBusyError, StoreError

    if not path.is_file():
        return Check("store", State.OPTIONAL, f"none at {path}", "overread import PATH, or: overread demo")
    try:
        with Store.open(path, now=now) as store:
            found = store.verify(anchor=None)
            cases = len(store.cases())
    except StoreBusyError as error:
        return Check("store", State.OPTIONAL, str(error), "close what holds it, or look again in a moment")
    except StoreError as error:
        return Check("store", State.MISSING, str(error), "restore a copy, or name another with --store")
    if not found.ok:
        return Check("store", State.MISSING, f"the ledger does not hold at event {found.first_bad}", "restore a copy")
    return Check("store", State.OK, f"{path}: {cases} cases, {found.events} events, the ledger holds")


def browser_check(environment: Mapping[str, str]) -> Check:
    """A Chromium for the browser test; people may use any browser."""
    named = environment.get("OVERREAD_CHROMIUM")
    paths = [shutil.which(name) for name in ((named,) if named else BROWSERS)]
    found = next((path for path in paths if path), None)
    if found:
        return Check("browser for the browser test", State.OK, found)
    mend = "sudo apt-get install --no-install-recommends chromium, or set OVERREAD_CHROMIUM"
    return Check("browser for the browser test", State.OPTIONAL, "no Chromium; any browser shows the dashboard", mend)
