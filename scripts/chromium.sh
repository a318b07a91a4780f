#!/usr/bin/env bash
# Sees to it that the browser test has a Chromium, or names the command that brings one.
# Installs Debian's package only as root, and only in CI (CI=true) or on the user's word (INSTALL_CHROMIUM=1).
set -euo pipefail

for name in ${OVERREAD_CHROMIUM:-} chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 &&
    { [ "${CI:-}" = true ] || [ "${INSTALL_CHROMIUM:-}" = 1 ]; }; then
    echo "Installing Debian's package chromium for the browser test"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
    exit 0
fi
cat >&2 <<'WORDS'
No Chromium was found, so the browser test will be skipped. To run it, type one of:
    sudo apt-get install --no-install-recommends chromium
    OVERREAD_CHROMIUM=/path/to/chromium make test
WORDS
