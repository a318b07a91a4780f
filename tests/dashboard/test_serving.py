"""The served dashboard starts its model's process with itself, and no such process outlives it, however it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from dashboard.settings import PROJECT, serve_command, serve_environment

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGKILL])
def test_the_model_starts_with_the_server_and_ends_with_it(tmp_path, prepare_pilot, ended_by):
    store = prepare_pilot(tmp_path / "pilot.duckdb")
    server = subprocess.Popen(
        serve_command(port=_free_port()),
        cwd=PROJECT,
        env=serve_environment(store),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until(lambda: _children(server.pid) or server.poll() is not None)
        (child,) = _children(server.pid)
        assert b"vlm.worker" in Path(f"/proc/{child}/cmdline").read_bytes()
        server.send_signal(ended_by)
        server.wait(timeout=60)
        _until(lambda: not Path(f"/proc/{child}").exists(), within_s=30)
    finally:
        server.kill()
        server.wait()


def test_a_server_that_is_set_not_to_draft_starts_no_model(tmp_path, prepare_pilot):
    store, port = prepare_pilot(tmp_path / "pilot.duckdb"), _free_port()
    environment = serve_environment(store) | {"OVERREAD_DRAFTING": "off"}
    with subprocess.Popen(
        serve_command(port=port),
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            _until(lambda: _answers(port) or server.poll() is not None)
            assert _answers(port)
            assert _children(server.pid) == ()
        finally:
            server.kill()


def _children(pid: int) -> tuple[int, ...]:
    """Of every thread of a process: a child belongs to the thread that started it."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return tuple(int(child) for one in lists for child in _text(one).split())


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the thread ended meanwhile
        return ""


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def _until(holds, *, within_s=240.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
