#!/usr/bin/env bash
# Shows Millrace at work on this machine: installs what is missing, builds it, and runs an owner and five peers as
# processes of their own. They share a file of 256 MB made for the purpose, or the FILE you give.
#
#   Scripts/demo.sh [FILE] [options of "millrace demo"]
set -euo pipefail
caller=$PWD
cd "$(dirname "$0")/.."

echo "1. Looking for what Millrace is built with."
bash Scripts/install.sh
echo "2. Building it, in release mode. The first time takes a few minutes."
swift build -c release --product millrace --static-swift-stdlib
binary="$(swift build -c release --show-bin-path)/millrace"
echo "3. Running an owner and five peers: each event is a line; the check and the reports are at the end."
cd "$caller"
"$binary" demo "$@"
echo "Done. The program is $binary."
