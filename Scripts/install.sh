#!/usr/bin/env bash
# Installs what Millrace is built with, where it is missing (Debian and Ubuntu): liburing, libcrypto, pkg-config.
# Run it by itself or let the other scripts call it. Works as root or with sudo. Other packages may be named, such as the
# tmux that Scripts/test.sh adds.
set -euo pipefail

packages=(liburing-dev libssl-dev pkg-config "$@")
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done

if [ "${#missing[@]}" -gt 0 ]; then
    echo "Installing ${missing[*]} ..."
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "Please install ${missing[*]}, or run this as root." >&2; exit 1; }
        as_root=(sudo)
    fi
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -q >/dev/null
    "${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}" >/dev/null
fi

if ! command -v swift >/dev/null; then
    echo "There is no Swift toolchain on the PATH. Install Swift 6.2 or later from https://www.swift.org/install." >&2
    exit 1
fi
