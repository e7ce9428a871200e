#!/usr/bin/env bash
# Builds the image of Packaging/containers/Containerfile and runs an owner and a peer from it, with podman and buildah:
# under the default seccomp profile, which forbids io_uring, and under one that allows it. Needs root. Images are kept in a
# folder of their own (STORE=FOLDER; default: a temporary one).
#
#   Scripts/recipes/container.sh
#
# SWIFT=FOLDER: where the registry of the base images can't be reached, stand-ins for them are made of a clean Debian
# and the Swift toolchain in this folder (such as /opt/swift).
set -euo pipefail
cd "$(dirname "$0")/../.."
bash Scripts/install.sh podman buildah crun
work=$(mktemp -d)
store=${STORE:-$work/store}
# crun refuses the mixture of control groups of version 1 and 2 that some virtual machines have.
if [ -d /sys/fs/cgroup/unified ] && [ "${MILLRACE_INSIDE:-}" != yes ]; then
    rmdir "$work"
    MILLRACE_INSIDE=yes exec unshare --mount bash -c 'umount /sys/fs/cgroup/unified; exec bash "$0"' "$0"
fi
trap 'rm -rf "$work"' EXIT
engine=(--root "$store" --runroot "$work/run" --storage-driver vfs)
build() { buildah "${engine[@]}" build --isolation chroot "$@" >"$work/build.log" 2>&1 || { tail -n 20 "$work/build.log"; exit 1; }; }
here() { podman "${engine[@]}" run --rm --network=host --ulimit nofile="$(ulimit -n):$(ulimit -Hn)" \
    --ulimit nproc=1000:1000 "$@"; }

more=()
if [ -n "${SWIFT:-}" ]; then
    mkdir "$work/base"
    bash Scripts/clean-root.sh "$work/base/root"
    printf 'FROM scratch\nCOPY root /\n' >"$work/base/Containerfile"
    build -t docker.io/library/debian:bookworm-slim "$work/base"
    rm -rf "$work/base/root"
    cat >"$work/base/Containerfile" <<'END'
FROM docker.io/library/debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends g++ libc6-dev git ca-certificates libcurl4 libedit2 \
    libncurses6 libpython3.11 libsqlite3-0 libxml2 libz3-4 tzdata zlib1g-dev
ENV PATH=/opt/swift/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin
END
    build -t docker.io/library/swift:6.2-bookworm "$work/base"
    # The package manager's cache has what the build would fetch.
    more=(--pull-never --volume "$SWIFT:/opt/swift:ro" --volume "$HOME/.cache/org.swift.swiftpm:/root/.cache/org.swift.swiftpm")
fi
build "${more[@]}" -f Packaging/containers/Containerfile -t millrace .
echo "The image is built: $(podman "${engine[@]}" image inspect --format '{{.Size}}' millrace) bytes."

mkdir -p "$work/owner" "$work/peer"
head -c 20000000 /dev/urandom >"$work/owner/image.bin"
chown -R 65532:65532 "$work/owner" "$work/peer"
chmod 755 "$work"
try() {
    local said=$1
    shift
    rm -rf "$work"/owner/owner-* "$work"/peer/*
    here --read-only "$@" -v "$work/owner:/data" millrace owner 28910 image.bin --peers 1 --io uring >"$work/owner.log" 2>&1 &
    local owner=$!
    timeout 60 podman "${engine[@]}" run --rm --network=host --ulimit nofile="$(ulimit -n):$(ulimit -Hn)" --ulimit nproc=1000:1000 \
        --read-only "$@" -v "$work/peer:/data" millrace peer 28910 28911 --store flat -q
    wait "$owner" || { cat "$work/owner.log"; exit 1; }
    cmp "$work/owner/image.bin" "$work/peer/peer-28911/image.bin"
    grep -o "sending by .*" "$work/owner.log" | head -1
    grep -q "sending by $said" "$work/owner.log" || { echo "not by $said" >&2; exit 1; }
}
here millrace --version
echo "Under the default profile:"
try sendfile
python3 - "$work/profile.json" <<'END'
import json, sys
profile = json.load(open("/usr/share/containers/seccomp.json"))
profile["syscalls"].append({"names": ["io_uring_setup", "io_uring_enter", "io_uring_register"], "action": "SCMP_ACT_ALLOW"})
json.dump(profile, open(sys.argv[1], "w"))
END
echo "Under one that allows io_uring too:"
try uring --security-opt "seccomp=$work/profile.json"
