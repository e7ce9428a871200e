#!/usr/bin/env bash
# Tests the Wireshark dissector with tshark: the test vectors as captures, and a real run on loopback.
#
#   Scripts/test-dissector.sh              installs tshark where it is missing, checks both
#   Scripts/test-dissector.sh --vectors    the vectors alone: no capture, no installing; leaves with 77 without tshark
#
# The real run takes MILLRACE=path of the program (default: the release build). It captures loopback alone, on the ports
# of its own nodes, which needs root or the right to capture.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
children=()
clean() {
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    rm -rf "$work"
}
trap clean EXIT

if [ "${1:-}" = --vectors ]; then
    command -v tshark >/dev/null || { echo "tshark is not installed"; exit 77; }
    python3 Scripts/dissector_check.py vectors "$work"
    exit
fi

command -v tshark >/dev/null || bash Scripts/install.sh tshark
python3 Scripts/dissector_check.py vectors "$work"

millrace=${MILLRACE:-$(swift build -c release --show-bin-path)/millrace}
[ -x "$millrace" ] || { echo "There is no $millrace: swift build -c release --product millrace" >&2; exit 1; }
ports=$(python3 -c '
import random, socket
found = []
while len(found) < 4:
    port = random.randrange(11000, 32000)
    with socket.socket() as one:
        if port not in found and one.connect_ex(("127.0.0.1", port)) != 0: found.append(port)
print(*found)')
read -r owner first second third <<<"$ports"
filter="tcp port $owner or tcp port $first or tcp port $second or tcp port $third"
head -c 8000000 /dev/urandom >"$work/data.bin"

# Capturing has begun once the file is there.
timeout 100 dumpcap -q -i lo -B 256 -P -w "$work/run.pcap" -f "$filter" 2>"$work/dumpcap.log" &
capture=$!
children+=("$capture")
for _ in $(seq 100); do
    [ -s "$work/run.pcap" ] && break
    sleep 0.1
done
[ -s "$work/run.pcap" ] || { cat "$work/dumpcap.log" >&2; exit 1; }

cd "$work"
timeout 60 "$millrace" owner "$owner" data.bin --peers 3 --dir owner -q &
nodes=($!)
for port in $first $second $third; do
    timeout 60 "$millrace" peer "$owner" "$port" --dir "peer-$port" -q &
    nodes+=($!)
done
children+=("${nodes[@]}")
for node in "${nodes[@]}"; do wait "$node"; done
for port in $first $second $third; do cmp data.bin "peer-$port/data.bin"; done
cd - >/dev/null
# Packets come in order: once an attempt to connect, made after the run, is in the file, so is the run.
python3 - "$work/run.pcap" "$owner" <<'END'
import socket, struct, sys, time
with socket.socket() as one:
    one.bind(("127.0.0.1", 0))
    mark = struct.pack(">HH", one.getsockname()[1], int(sys.argv[2]))
    one.connect_ex(("127.0.0.1", int(sys.argv[2])))
deadline = time.monotonic() + 20
while mark not in open(sys.argv[1], "rb").read():
    if time.monotonic() > deadline:
        sys.exit("the capture never showed the last packet")
    time.sleep(0.05)
END
kill -INT "$capture"
wait "$capture" || true
# shellcheck disable=SC2086
python3 Scripts/dissector_check.py run "$work/run.pcap" $ports
