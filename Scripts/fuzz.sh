#!/usr/bin/env bash
# Fuzzes with libFuzzer and the address sanitizer:
#
#   Scripts/fuzz.sh [SECONDS for each harness, 60 unless told] [HARNESS..., all unless told]
#
# RUNS=N bounds each by executions too, LENGTH=N the bytes of an input. TIMEOUT=N is the wall time that one input may
# take, in seconds: 5 unless told, more where the machine may stand still. ADDRESS=no leaves the address sanitizer out:
# some three times as many executions, with the checks of Swift alone. Each harness (Tests/FuzzTests) begins with
# Fuzz/Corpus/HARNESS. What makes one stop is kept in Fuzz/Failures/HARNESS, where FuzzTests replays it; the exit code is
# then 1. Scratch files go to Fuzz/.work; executions are counted in Fuzz/.work/executions.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
known=$(sed -n 's/.*Harness(name: "\([A-Za-z]*\)".*/\1/p' Tests/FuzzTests/Harness.swift)
[ $# -gt 0 ] || set -- $known
sanitizers=fuzzer,address
[ "${ADDRESS:-yes}" = yes ] || sanitizers=fuzzer
fuzzer=Fuzz/.work/$sanitizers

# Module by module: the package manager's own way of building does not link a fuzzer.
build() {
    local objects=Fuzz/.work/objects-$sanitizers
    rm -rf "$objects" && mkdir -p "$objects"
    local shared=(-O -swift-version 6 -enable-experimental-feature Lifetimes -enable-upcoming-feature ExistentialAny
        -parse-as-library -package-name millrace -I "$objects")
    local folder module
    for folder in Sources/C*/; do shared+=(-I "$folder"); done
    cc -O2 -c Sources/CSHA256/sha256_pair.c -I Sources/CSHA256/include -o "$objects/CSHA256.o"
    printf 'module CSHA256 { header "%s" export * }\n' "$PWD/Sources/CSHA256/include/sha256_pair.h" \
        >"$objects/module.modulemap"
    # The page's parts, which the package manager puts into the program, are of no use here.
    local part parts=$objects/parts.swift
    for part in page_css page_html format_js draw_js page_js; do echo "static let $part: [UInt8] = []"; done |
        sed '1i struct PackageResources {' >"$parts"
    echo '}' >>"$parts"
    for module in Wire Swarm IO Store Node HTTP; do
        local sources=(Sources/Millrace"$module"/*.swift)
        [ $module != HTTP ] || sources+=("$parts")
        swiftc "${shared[@]}" -sanitize=$sanitizers -wmo -enable-testing -module-name "Millrace$module" \
            "${sources[@]}" -c -o "$objects/Millrace$module.o" \
            -emit-module -emit-module-path "$objects/Millrace$module.swiftmodule"
    done
    # The harnesses' own checks are no code to look for new ways through: recording them costs more than all the rest.
    local checks=()
    [ "${ADDRESS:-yes}" != yes ] || checks=(-sanitize=address)
    local harnesses=()
    mapfile -t harnesses < <(find Tests/FuzzTests -name '*.swift' -not -name '*ReplayTests.swift')
    swiftc "${shared[@]}" "${checks[@]}" -wmo -module-name Fuzz "${harnesses[@]}" Fuzz/Main.swift -c \
        -o "$objects/Fuzz.o"
    swiftc -use-ld=lld -sanitize=$sanitizers "$objects"/*.o -luring -lcrypto -o "$fuzzer"
}

is_built() {
    [ -x "$fuzzer" ] || return 1
    [ -z "$(find Sources Tests/FuzzTests Fuzz/Main.swift Scripts/fuzz.sh -newer "$fuzzer" -type f -print -quit)" ]
}
is_built || build

found=0
for harness in "$@"; do
    grep -qx "$harness" <<<"$known" || { echo "There is no harness $harness." >&2; exit 64; }
    work=Fuzz/.work/$harness
    mkdir -p "$work/corpus" "Fuzz/Corpus/$harness" "Fuzz/Failures/$harness"
    SWIFT_BACKTRACE=enable=no MILLRACE_HARNESS=$harness TMPDIR=${TMPDIR:-/dev/shm} "$fuzzer" -max_total_time="$seconds" \
        -runs="${RUNS:--1}" -timeout="${TIMEOUT:-5}" -report_slow_units="${TIMEOUT:-5}" \
        -rss_limit_mb=2048 -max_len="${LENGTH:-1024}" -print_final_stats=1 \
        -artifact_prefix="Fuzz/Failures/$harness/" "$work/corpus" "Fuzz/Corpus/$harness" 2>"$work/log" || found=1
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
    echo "$harness ${executions:-0}" >>Fuzz/.work/executions
    total=$(awk -v harness="$harness" '$1 == harness { sum += $2 } END { print sum }' Fuzz/.work/executions)
    echo "$harness: ${executions:-0} executions, $total in all; $(grep -E 'SUMMARY|Fatal error' "$work/log" | head -2)"
    find "Fuzz/Failures/$harness" "Fuzz/Corpus/$harness" -type d -empty -delete
done
exit $found
