#!/usr/bin/env bash
# Runs the whole test suite under the thread sanitizer and then under the address sanitizer:
#
#   Scripts/sanitize.sh [thread] [address] [-- options of "swift test", such as --filter Swarm]
#
# Each has a build folder of its own (.build-thread, .build-address). Prints how many tests ran and how many reports there
# were, those of processes that tests start included, and fails if there was one or a test failed.
set -euo pipefail
cd "$(dirname "$0")/.."
bash Scripts/install.sh
sanitizers=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do sanitizers+=("$1") && shift; done
[ $# -eq 0 ] || shift
[ "${#sanitizers[@]}" -gt 0 ] || sanitizers=(thread address)
export SWIFT_BACKTRACE=enable=no
# Nodes that are slowed down so much take chunks for late, and ask for them once more.
export MILLRACE_LATE_CHUNKS=3
failed=0
for sanitizer in "${sanitizers[@]}"; do
    folder=.build-$sanitizer
    rm -rf "$folder/reports" && mkdir -p "$folder/reports"
    # Leaks are not looked for: the test process keeps what its frameworks allocate once.
    export TSAN_OPTIONS=halt_on_error=1:log_path=$PWD/$folder/reports/report
    export ASAN_OPTIONS=detect_leaks=0:log_path=$PWD/$folder/reports/report
    swift test --no-parallel --sanitize="$sanitizer" --scratch-path "$folder" "$@" 2>&1 | tee "$folder/reports/log" ||
        failed=1
    tests=$(sed -n 's/.*Test run with \([0-9]*\) tests\{0,1\}.*/\1/p' "$folder/reports/log" | awk '{ sum += $1 } END { print sum + 0 }')
    reports=$(cat "$folder/reports/log" "$folder"/reports/report.* 2>/dev/null | grep -c 'SUMMARY: [A-Za-z]*Sanitizer' || true)
    echo "$sanitizer sanitizer: $tests tests, $reports reports"
    [ "$reports" -eq 0 ] || failed=1
done
exit $failed
