#!/usr/bin/env bash
# scripts/demo.sh [--data FILE_OR_DIR]: sets up, builds, and compares initialization schemes on the built-in synthetic images or
# on the given ones. Ends with the ranking and the path of report.html. A second call shows what is there at once.
# SPDX-License-Identifier: MIT
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd -P)
"$root/scripts/build.sh" release fanin_app
exec "$root/build/release/fanin" demo "$@"  # from the caller's folder, which relative paths refer to
