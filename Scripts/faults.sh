#!/usr/bin/env bash
# Makes the n-th system call of an owner, and then of a peer, fail, for n = 1, 2, ... until none fails any more, for each
# kind of error, on each transport and store; after each the file must be right, or the node must say why not with the
# right exit code, and the same command must go on from there. Uses the debug build: others have no faults built in.
#
#   Scripts/faults.sh [--kinds EIO,ENOSPC,...] [--roles ...] [--transports ...] [--stores ...] [--step N] [--seconds N]
set -euo pipefail
cd "$(dirname "$0")/.."
binary=()
if [[ " $* " != *" --binary "* ]]; then
    bash Scripts/install.sh python3
    swift build --product millrace
    binary=(--binary "$(swift build --show-bin-path)/millrace")
fi
exec python3 Scripts/faults.py "${binary[@]}" "$@"
