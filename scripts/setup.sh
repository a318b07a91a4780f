#!/usr/bin/env bash
# Makes .venv with the console script .venv/bin/overread. Usage: scripts/setup.sh [dev]
# Idempotent: a stamp holds the hash of what was installed; with nothing changed it ends at once.
set -euo pipefail
cd "$(dirname "$0")/.."
extras="${1:-}"
venv=.venv

good_python() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    local name
    for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3 python; do
        if good_python "$name"; then
            echo "$name"
            return
        fi
    done
    echo "overread needs Python 3.11 or newer and found none: install one, or name it with PYTHON=/path/to/python3.11" >&2
    exit 1
}

if [ -x "$venv/bin/python" ] && ! good_python "$venv/bin/python"; then
    echo "$venv was made with a Python older than 3.11: remove it (rm -r $venv) and run this again" >&2
    exit 1
fi
if [ ! -x "$venv/bin/pip" ]; then
    python="$(find_python)"
    echo "Making $venv with $($python --version)"
    "$python" -m venv "$venv" || {
        echo "the module venv is missing or failed: on Debian type: sudo apt-get install python3-venv" >&2
        exit 1
    }
fi

hash="$("$venv/bin/python" -c 'import hashlib, pathlib as p
print(hashlib.sha256(b"".join(p.Path(f).read_bytes() for f in ("constraints.txt", "pyproject.toml"))).hexdigest())')"
# The checks need all that the program needs, so a dev stamp serves a plain setup too.
if [ -x "$venv/bin/overread" ]; then
    for stamp in "$venv/.installed-dev" "$venv/.installed${extras:+-$extras}"; do
        [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$hash" ] && exit 0
    done
fi

echo "Installing the packages that constraints.txt pins (about 2 GB unpacked; minutes the first time)"
target=".${extras:+[$extras]}"
"$venv/bin/pip" install --quiet --disable-pip-version-check --constraint constraints.txt --editable "$target"
echo "$hash" >"$venv/.installed${extras:+-$extras}"
echo "Installed: $venv/bin/overread"
