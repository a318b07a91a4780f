#!/usr/bin/env bash
# All checks of `make test`, cheap ones first; pytest comes last so that its summary ends the output.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_WAIT_POLICY=PASSIVE # two torch processes on two cores spin each other down without it
bin=.venv/bin

step() {
    echo "== $1"
    shift
    "$@"
}

step "format" $bin/ruff format --no-cache --check --quiet .
step "lint" $bin/ruff check --no-cache --quiet .
step "types" $bin/mypy
step "import contracts" $bin/lint-imports --no-cache
step "browser for the browser test" scripts/chromium.sh
step "doctests" \
    $bin/pytest -q -p no:xdist --doctest-modules --ignore=dashboard/app.py --ignore=dashboard/shell.py \
    --ignore=dashboard/views grounding cases vlm evals dashboard
step "unit tests, page tests, browser test" \
    $bin/pytest -q -n "${PYTEST_WORKERS:-2}" --dist loadfile --durations=10 "$@" tests
