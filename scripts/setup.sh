#!/usr/bin/env bash
# Installs the packages that building fanin needs, where they are missing (Debian 12, Ubuntu 24.04 or newer).
# Says what it does, asks nothing, and does nothing when all is there.
# SPDX-License-Identifier: MIT
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config ca-certificates
  libeigen3-dev libhwy-dev libfmt-dev librandom123-dev libxxhash-dev          # arithmetic, randomness, hashes
  libarchive-dev libstb-dev libcurl4-openssl-dev libssl-dev                   # images, archives, downloads
  nlohmann-json3-dev libtomlplusplus-dev libcli11-dev                         # files of a run, settings, command line
  libjs-chart.js                                                              # charts of the pages
  libgtest-dev libbenchmark-dev                                               # tests, measurements
)

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  {
    echo "setup: this system has no apt, so nothing was installed. fanin needs what these Debian packages hold:"
    echo "  ${packages[*]}"
    echo "Install your system's equivalents, then build with: cmake --preset release && cmake --build --preset release"
  } >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "setup: packages are missing and there is no sudo; as root, run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "setup: installing with apt: ${missing[*]}"
# A mirror that does not answer need not matter: the package lists at hand may do.
"${as_root[@]}" apt-get -q update || echo "setup: could not refresh the package lists; trying with those at hand" >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get -q install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" || {
    echo "setup: apt could not install: ${missing[*]}" >&2
    exit 1
  }
