#!/usr/bin/env bash
# Runs all tests of Millrace: installs what is missing, builds with warnings as errors, runs the test suite.
#
#   Scripts/test.sh [options of "swift test", such as --filter Wire; with any, what they ask for and nothing else]
set -euo pipefail
cd "$(dirname "$0")/.."

echo "1. Looking for what Millrace is built with."
# The terminal that shows what people see is one of tmux; curl, wget and aria2 are what the HTTP side is tested with.
bash Scripts/install.sh strace curl wget aria2 tmux iproute2
echo "2. Building everything, warnings as errors."
export CI=true
swift build --build-tests
echo "3. Checking that each target imports only what it may."
swift build --explicit-target-dependency-import-check error >/dev/null
if [ $# -gt 0 ]; then
    echo "4. Running the tests that were asked for, one after the other."
    exec swift test --no-parallel "$@"
fi

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# One lane of the suite: its whole output is kept, what failed and the last line are shown.
lane() {
    local name=$1 status=0
    shift
    swift test --skip-build --ignore-lock "$@" >"$logs/$name" 2>&1 || status=$?
    grep -aE '^. (Test|Suite) .* (recorded an issue|failed)|^ *↳|Fatal error|crashed:' "$logs/$name" || true
    grep -aE 'Test run with' "$logs/$name" || tail -n 40 "$logs/$name"
    return "$status"
}

echo "4. Running the tests: what needs no network and no clock on all processors, then nodes beside processes, which"
echo "   mostly wait; within those one after the other, because many are swarms of threads or processes of their own."
failed=0
lane pure --parallel --skip '^ProcessTests' --skip '^Millrace(Node|HTTP|IO)Tests' || failed=1
lane nodes --no-parallel --filter '^Millrace(Node|HTTP|IO)Tests' &
nodes=$!
lane processes --no-parallel --filter '^ProcessTests' || failed=1
wait "$nodes" || failed=1
cat "$logs"/* | sed -n 's/.*Test run with \([0-9]*\) tests.*/\1/p' | awk '{ sum += $1 } END { print sum " tests in all" }'
[ "$failed" -eq 0 ] || exit 1

echo "5. Fuzzing for a moment, from the kept corpus."
bash Scripts/fuzz.sh 3
