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

step "format" $bin/ruff format --check --quiet .
step "lint" $bin/ruff check --quiet .
step "types" $bin/mypy
step "import contracts" $bin/lint-imports --no-cache
step "browser for the browser test" scripts/chromium.sh
step "unit tests, doctests, page tests, browser test" \
    $bin/pytest -n "${PYTEST_WORKERS:-2}" --dist loadfile --doctest-modules --durations=10 -q "$@" \
    --ignore=dashboard/app.py --ignore=dashboard/views \
    tests grounding cases vlm evals dashboard
