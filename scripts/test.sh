#!/usr/bin/env bash
# scripts/test.sh [CTEST ARGUMENT...]: sets up, builds and runs all tests, such as: scripts/test.sh -R conv
# With the path of cifar10-jpeg.tar.gz or the official archive in FANIN_CIFAR10 the tests on real images run too.
# SPDX-License-Identifier: MIT
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd -P)
"$root/scripts/build.sh" release
cd -- "$root"
ctest --preset release "$@"
