#!/usr/bin/env bash
# scripts/build.sh [PRESET [TARGET...]]: sets up and builds into build/PRESET; release unless another preset
# (debug, asan) is named, everything unless targets are.
# SPDX-License-Identifier: MIT
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd -P)
preset=${1:-release}
targets=()
if (($# > 1)); then targets=(--target "${@:2}"); fi

"$root/scripts/setup.sh"
cd -- "$root"
# A tree that was moved or copied brings a cache of the old place, which CMake refuses.
cache=build/$preset/CMakeCache.txt
if [[ -f $cache ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then rm -rf -- "build/$preset"; fi
cmake --preset "$preset"
cmake --build --preset "$preset" --parallel "$(nproc)" "${targets[@]}"
