#!/usr/bin/env bash
# Lays out a Debian 12 with nothing but its own basics in a new folder. It is made with debootstrap the first time, and
# kept, packed, for the next ones. Needs root, and Debian's archive the first time.
#
#   Scripts/clean-root.sh FOLDER
#
# CACHE=FOLDER says where it is kept (default: ~/.cache/millrace).
set -euo pipefail
root=$1
cache=${CACHE:-$HOME/.cache/millrace}
bash "$(dirname "$0")/install.sh" debootstrap
if [ ! -s "$cache/bookworm.tar" ]; then
    mkdir -p "$cache"
    timeout 500 debootstrap --variant=minbase bookworm "$root" >"$root.log" || { tail "$root.log" >&2; exit 1; }
    tar -C "$root" -cf "$cache/bookworm.tar.part" .
    mv "$cache/bookworm.tar.part" "$cache/bookworm.tar"
else
    mkdir -p "$root"
    tar -C "$root" -xf "$cache/bookworm.tar"
fi
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
# What a minimal system leaves out of every package is wanted here.
rm -f "$root"/etc/dpkg/dpkg.cfg.d/*exclude* "$root"/etc/dpkg/dpkg.cfg.d/docker
