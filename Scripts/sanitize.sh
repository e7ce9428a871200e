#!/usr/bin/env bash
# Runs the whole test suite under the thread sanitizer and then under the address sanitizer:
#
#   Scripts/sanitize.sh [thread] [address] [-- options of "swift test", such as --filter Swarm]
#
# Each has a build folder of its own (.build-thread, .build-address). Fails on the first report of a sanitizer.
set -euo pipefail
cd "$(dirname "$0")/.."
bash Scripts/install.sh
sanitizers=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do sanitizers+=("$1") && shift; done
[ $# -eq 0 ] || shift
[ "${#sanitizers[@]}" -gt 0 ] || sanitizers=(thread address)
# Leaks are not looked for: the test process keeps what its frameworks allocate once.
export TSAN_OPTIONS=halt_on_error=1 ASAN_OPTIONS=detect_leaks=0
export SWIFT_BACKTRACE=enable=no
for sanitizer in "${sanitizers[@]}"; do
    swift test --no-parallel --sanitize="$sanitizer" --scratch-path ".build-$sanitizer" "$@"
    echo "The $sanitizer sanitizer has nothing to say."
done
