#!/usr/bin/env bash
# Flips bits of stored chunks, 100,000 in chunk files and as many in a flat file unless told otherwise, and checks that
# verifying them again finds exactly those: Scripts/flips.sh [COUNT]
set -euo pipefail
cd "$(dirname "$0")/.."
FLIPPED_BITS=${1:-100000} swift test --no-parallel --filter everyFlippedBitOfAStoredChunkIsFound
