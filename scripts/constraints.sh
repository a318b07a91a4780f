#!/usr/bin/env bash
# Writes constraints.txt from what .venv holds: exact versions, no local build tags, no index addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
{
    echo "# Written by scripts/constraints.sh: the versions that were installed and tested together."
    .venv/bin/pip freeze --disable-pip-version-check --exclude-editable --exclude overread |
        grep -E '^[A-Za-z0-9._-]+==' | sed -E 's/\+[A-Za-z0-9.]+$//'
} >constraints.txt
