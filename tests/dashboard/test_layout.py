"""What the dashboard's files may be called, how long a page may be, and what starting it may import."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
ROOMS = {"cases", "vlm", "grounding", "evals", "tests", "dashboard"}
NAMES = sorted(path.stem for path in DASHBOARD.iterdir() if path.suffix == ".py" or path.is_dir())


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("__init__", "__pycache__")])
def test_no_file_shadows_a_room_the_standard_library_or_a_package(name):
    """`streamlit run dashboard/app.py` puts this folder first on sys.path: a file of such a name would replace it."""
    assert name not in ROOMS
    assert name not in sys.stdlib_module_names
    assert name not in packages_distributions()


def test_there_is_no_folder_that_streamlit_takes_for_pages():
    assert not (DASHBOARD / "pages").exists()


@pytest.mark.parametrize("page", sorted((DASHBOARD / "views").glob("*.py")), ids=lambda page: page.stem)
def test_a_page_is_at_most_80_lines_and_holds_no_sql_and_no_main(page):
    text = page.read_text("utf-8")
    assert len(text.splitlines()) <= 80
    assert "SELECT" not in text
    assert "__main__" not in text


def test_only_resources_caches_and_nothing_allows_raw_html():
    for path in DASHBOARD.rglob("*.py"):
        text = path.read_text("utf-8")
        assert "unsafe_allow" not in text, path.name
        if path.name not in ("resources.py", "app.py"):
            assert "cache_resource" not in text and "cache_data" not in text, path.name


def test_starting_the_dashboard_loads_no_model_library():
    program = (
        "import sys, dashboard.app, dashboard.resources, dashboard.components.workspace, "
        "dashboard.components.worklist_table, dashboard.components.figures; "
        "print([m for m in ('torch', 'transformers', 'bitsandbytes', 'statsmodels') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
