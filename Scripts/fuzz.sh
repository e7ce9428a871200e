#!/usr/bin/env bash
# Fuzzes the wire format: Scripts/fuzz.sh [SECONDS for each harness, 60 unless told] [HARNESS...]
# Each harness begins with Fuzz/Corpus/HARNESS. What makes one stop is kept in Fuzz/Failures/HARNESS, where
# MillraceWireTests replays it; the exit code is then 1. Scratch files go to Fuzz/.work.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- FrameReader MessageDecode ChunkIDList Discovery

found=0
for harness in "$@"; do
    work=Fuzz/.work/$harness
    mkdir -p "$work/corpus" "Fuzz/Corpus/$harness" "Fuzz/Failures/$harness"
    swiftc -O -swift-version 6 -enable-experimental-feature Lifetimes -enable-upcoming-feature ExistentialAny \
        -use-ld=lld -sanitize=fuzzer,address -parse-as-library -module-name Fuzzed \
        Sources/MillraceWire/*.swift "Fuzz/${harness}Fuzz.swift" -o "$work/fuzz"
    "$work/fuzz" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1 \
        -artifact_prefix="Fuzz/Failures/$harness/" "$work/corpus" "Fuzz/Corpus/$harness" 2>"$work/log" || found=1
    echo "$harness: $(grep -E 'stat::number_of_executed_units|SUMMARY' "$work/log" | tr -s ' \n' ' ')"
    find "Fuzz/Failures/$harness" "Fuzz/Corpus/$harness" -type d -empty -delete
done
exit $found
