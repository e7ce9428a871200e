#!/usr/bin/env bash
# Runs short swarms in the simulator to which anything may happen, each drawn from its seed: late, slow and frozen peers,
# deaths, restarts, partitions, connections that break, liars, peers that refuse or of which no chunk arrives, an owner
# that leaves.
#
#   Scripts/seeds.sh [HOW MANY, 10000 unless told] [FIRST SEED, 1 unless told]
#
# Prints how many ran, and of each that is stuck or breaks a rule the command that runs it again; leaves with 1 if there is
# one, or if a bug built in on purpose is not found. The tests run some hundred of them.
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-10000}
first=${2:-1}

swift build -c release --product millrace >/dev/null
millrace=$(swift build -c release --show-bin-path)/millrace
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# Small swarms get into corners that large ones average away; every tenth is larger.
sim() { "$millrace" sim --scenario faulty --latency 200000 "$@"; }
processors=$(getconf _NPROCESSORS_ONLN)
large=$((count / 10))
share=$(((count - large + processors - 1) / processors))
runs=()
for ((start = 0; start < count - large; start += share)); do
    seeds=$((count - large - start < share ? count - large - start : share))
    sim --peers 8 --chunks 40 --seed $((first + start)) --seeds "$seeds" >"$work/small-$start" 2>&1 &
    runs+=($!)
done
[ "$large" -eq 0 ] || sim --peers 40 --chunks 120 --seed $((first + count - large)) --seeds "$large" \
    >"$work/large" 2>&1 || failed=1
for run in "${runs[@]}"; do wait "$run" || failed=1; done
grep -hE 'again:|broken:|STUCK' "$work"/* || true
sed -n 's/^\([0-9]*\) runs\{0,1\}, \([0-9]*\) bad$/\1 \2/p' "$work"/* |
    awk '{ runs += $1; bad += $2 } END { print runs + 0 " seeds, " bad + 0 " stuck or with a broken rule" }' >"$work/sum"
cat "$work/sum"
[ "$(cut -d' ' -f1 "$work/sum")" -eq "$count" ] || { echo "$count were asked for" >&2; tail -n 3 "$work"/* >&2; exit 1; }

canaries=$(sed -n '/enum SimCanary/,/^}/s/.*case [A-Za-z]* = "\([a-z-]*\)"/\1/p' Sources/MillraceSim/SimOptions.swift)
[ -n "$canaries" ] || { echo "No bug is built in." >&2; exit 1; }
for canary in $canaries; do
    if "$millrace" sim --chunks 200 --seed "$first" --canary "$canary" >"$work/canary" 2>&1; then
        echo "The bug $canary was not found."
        failed=1
    else
        echo "The bug $canary is found: $(sed -n 's/^ *broken: //p' "$work/canary" | head -n 1)"
    fi
done
exit "$failed"
