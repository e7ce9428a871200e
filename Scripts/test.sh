#!/usr/bin/env bash
# Runs all tests of Millrace: installs what is missing, builds with warnings as errors, runs the test suite.
#
#   Scripts/test.sh [options of "swift test", such as --filter Wire]
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
echo "4. Running the tests, one after the other: many of them are swarms of threads or processes of their own."
swift test --no-parallel "$@"
if [ $# -eq 0 ]; then
    echo "5. Fuzzing for a moment, from the kept corpus."
    bash Scripts/fuzz.sh 3
fi
