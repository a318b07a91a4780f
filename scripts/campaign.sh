#!/usr/bin/env bash
# The long campaigns: kills, corpora, fuzzing, servers, figures over hundreds of images. One at a time, on all cores.
set -euo pipefail
cd "$(dirname "$0")/.."
export OMP_WAIT_POLICY=PASSIVE
.venv/bin/pytest -m campaign --timeout=1800 --durations=0 -q "$@" tests
