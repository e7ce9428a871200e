#!/usr/bin/env bash
# Tortures swarms of real processes: kill -9 and restart of any node, frozen nodes, sockets shut at random, links that
# drop or reject, a full file system, too few descriptors, flipped bits. Prints how many it did of each, and stops at
# the first broken promise with the command that does the same again. Works in network and mount namespaces of its own,
# so it wants root.
#
#   Scripts/torture.sh [--kills N | --rounds N | --seconds N] [--seed S] [--only kill,stop,...] [--binary PATH]
#
# --round R does round R of a seed alone; --help tells the rest.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Please run this as root: it makes namespaces and mounts." >&2; exit 1; }
    exec sudo --preserve-env=PATH bash "$0" "$@"
fi
binary=()
if [[ " $* " != *" --binary "* ]]; then
    bash Scripts/install.sh iproute2 nftables util-linux python3
    swift build -c release --product millrace
    binary=(--binary "$(swift build -c release --show-bin-path)/millrace")
fi
exec unshare --net --mount --propagation private python3 Scripts/torture/run.py "${binary[@]}" "$@"
