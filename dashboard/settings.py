"""The dashboard's settings: which store it opens, how it is started, and which server settings it refuses to run with.

The only reader of environment variables in this room. It is not `.streamlit/config.toml`: that file sets the values,
this module refuses to start when they do not hold (a command line flag or an environment variable can override it).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

STORE_VARIABLE = "OVERREAD_STORE"
DRAFTING_VARIABLE = "OVERREAD_DRAFTING"
MODEL_VARIABLE = "OVERREAD_MODEL"
DEFAULT_MODEL = "embedded"
DEFAULT_STORE = "var/overread.duckdb"
PROJECT = Path(__file__).resolve().parents[1]
APP = PROJECT / "dashboard" / "app.py"


class UnsafeServerError(RuntimeError):
    """The server's settings would expose patient data; the message names each setting and how to mend it."""


class SettingError(ValueError):
    """A setting has a value that it does not take; the message names it, the value and those it takes."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One server setting that must hold.

    Attributes:
        option: its name in `.streamlit/config.toml`, for example "server.enableCORS".
        holds: whether a value is safe.
        wanted: the safe value, as it is written in the file.
        why: what goes wrong otherwise, in words.
    """

    option: str
    holds: Callable[[object], bool]
    wanted: str
    why: str


def is_loopback(address: object) -> bool:
    """Whether a bind address can be reached from this machine only.

    >>> [is_loopback(a) for a in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", None)]
    [True, True, True, False, False, False]
    """
    if address == "localhost":
        return True
    try:
        return ip_address(str(address)).is_loopback
    except ValueError:
        return False


def _off(value: object) -> bool:
    return value is False


def _on(value: object) -> bool:
    return value is True


def _none(value: object) -> bool:
    return value == "none"


RULES: tuple[Rule, ...] = (
    Rule("server.address", is_loopback, '"127.0.0.1"', "the pilot would be served to the whole network"),
    Rule("server.enableCORS", _on, "true", "any web page could open the app's websocket"),
    Rule("server.enableXsrfProtection", _on, "true", "any web page could post an upload"),
    Rule("server.enableAgentApi", _off, "false", "the app could be driven over HTTP"),
    Rule("browser.gatherUsageStats", _off, "false", "usage statistics would leave the site"),
    Rule("client.showErrorDetails", _none, '"none"', "a traceback can show what a case contains"),
    Rule("client.showErrorLinks", _off, "false", "an error text would be offered to outside services"),
)


def unsafe_settings(get_option: Callable[[str], object]) -> tuple[str, ...]:
    """Each setting that does not hold, in words: rule, value, way out.

    >>> safe = {"server.address": "127.0.0.1", "server.enableCORS": True, "server.enableXsrfProtection": True,
    ...     "server.enableAgentApi": False, "browser.gatherUsageStats": False, "client.showErrorDetails": "none",
    ...     "client.showErrorLinks": False}
    >>> unsafe_settings(safe.__getitem__)
    ()
    """
    found = ((rule, get_option(rule.option)) for rule in RULES)
    return tuple(
        f"{rule.option} is {value!r}: {rule.why}; set it to {rule.wanted} in .streamlit/config.toml"
        for rule, value in found
        if not rule.holds(value)
    )


def require_safe_server(get_option: Callable[[str], object]) -> None:
    """Refuse to go on with an unsafe server setting.

    Args:
        get_option: `streamlit.config.get_option`, or anything that answers like it.

    Raises:
        UnsafeServerError: one line for each setting that does not hold.
    """
    unsafe = unsafe_settings(get_option)
    if unsafe:
        msg = "the dashboard does not start:\n" + "\n".join(f"- {line}" for line in unsafe)
        raise UnsafeServerError(msg)


def store_path(environment: Mapping[str, str] | None = None) -> Path:
    """The store to open: `OVERREAD_STORE`, else `var/overread.duckdb` in the working folder.

    >>> store_path({"OVERREAD_STORE": "demo.duckdb"}).name
    'demo.duckdb'
    """
    values = os.environ if environment is None else environment
    return Path(values.get(STORE_VARIABLE) or DEFAULT_STORE)


def drafting_is_on(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this server drafts, or serves review only: `OVERREAD_DRAFTING`, on unless it says off.

    Raises:
        SettingError: it says something else.

    >>> drafting_is_on({}), drafting_is_on({"OVERREAD_DRAFTING": "off"})
    (True, False)
    """
    values = os.environ if environment is None else environment
    said = values.get(DRAFTING_VARIABLE) or "on"
    if said not in ("on", "off"):
        msg = f"{DRAFTING_VARIABLE} is {said!r}: set it to on (the server drafts) or off (review only)"
        raise SettingError(msg)
    return said == "on"


def model_name(environment: Mapping[str, str] | None = None) -> str:
    """The model that this server drafts with: `OVERREAD_MODEL`, as `overread models` lists it, else the embedded one.

    >>> model_name({})
    'embedded'
    """
    values = os.environ if environment is None else environment
    return values.get(MODEL_VARIABLE) or DEFAULT_MODEL


def serve_command(*, port: int = 8501) -> tuple[str, ...]:
    """The command that starts the dashboard; run it with `serve_environment` and `cwd=settings.PROJECT`."""
    return (sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port))


def serve_environment(store: Path, *, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for `serve_command`: the caller's, plus the store and one thread per maths library that waits."""
    values = dict(os.environ if environment is None else environment)
    return values | {STORE_VARIABLE: str(store.resolve()), "OMP_WAIT_POLICY": "PASSIVE"}
