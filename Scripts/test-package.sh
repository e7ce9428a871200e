#!/usr/bin/env bash
# Tests the packages on a clean system: a Debian 12 that has nothing but its own basics is made with debootstrap (and
# kept, packed, for the next time), the .deb is installed there, and the demo is run from it in namespaces of its own.
# The tarball is unpacked and tried there too. Needs root, and Debian's archive the first time.
#
#   Scripts/test-package.sh [FOLDER]     the folder that Scripts/package.sh has filled; default: .build/packages
#
# CACHE=FOLDER says where the clean system is kept (default: ~/.cache/millrace).
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(cd "${1:-.build/packages}" && pwd)
deb=$(ls -t "$folder"/millrace_*.deb | head -1)
tarball=$(ls -t "$folder"/millrace-*.tar.gz | head -1)

bash Scripts/install.sh lintian
echo "1. What lintian says of the package."
# Not of Debian itself: no bug number to close, and no address unless MAINTAINER gave one. The Swift runtime is a library
# without Debian's hardening flags.
tags=initial-upload-closes-no-bugs,bogus-mail-host,bogus-mail-host-in-debian-changelog
tags=$tags,hardening-no-fortify-functions,hardening-no-bindnow
lintian --allow-root --fail-on error,warning --suppress-tags "$tags" "$deb"

echo "2. A clean Debian 12."
work=$(mktemp -d)
root=$work/root
trap 'rm -rf --one-file-system "$work"' EXIT
bash Scripts/clean-root.sh "$root"
cp "$deb" "$root/tmp/millrace.deb"
cp "$tarball" "$root/tmp/millrace.tar.gz"
[ ! -e "$root/usr/bin/swift" ]

# Runs a script there, without its exit being ours: mount and process namespaces end with it.
inside() {
    timeout "$1" unshare --mount --pid --fork --kill-child --uts \
        chroot "$root" /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive bash -euc "mount -t proc proc /proc; mount -t tmpfs tmpfs /run; $2"
}

echo "3. Installing the .deb with what it needs, and nothing else."
inside 400 'apt-get update -q >/dev/null 2>&1 || true
    apt-get install -q -y --no-install-recommends /tmp/millrace.deb bash-completion >/tmp/apt.log 2>&1 ||
        { tail /tmp/apt.log; exit 1; }
    dpkg -s millrace | sed -n "s/^\(Version\|Depends\): /  \1 /p"
    dpkg --verify millrace'

echo "4. The demo, an owner and peers over loopback of a network of its own."
cat >"$root/tmp/try.sh" <<'END'
set -eu
millrace --version
millrace demo --peers 3 -q | tail -2
cd "$(mktemp -d)"
head -c 5000000 /dev/urandom >data.bin
timeout 60 millrace owner 9000 data.bin --peers 1 --store flat -q &
timeout 60 millrace peer 9000 9001 --store flat --output copy.bin -q
wait $!
cmp data.bin copy.bin && echo "the copy is identical"
END
timeout 200 unshare --net bash -c "ip link set lo up
    exec unshare --mount --pid --fork --kill-child chroot '$root' /usr/bin/env -i PATH=/usr/bin:/bin HOME=/root \
        bash -euc 'mount -t proc proc /proc; bash /tmp/try.sh'"

echo "5. Man pages, completions, units, dissector: where each program looks for them."
inside 100 'for page in millrace millrace-owner millrace-peer millrace-verify millrace-demo millrace-sim millrace-plan; do
        zcat /usr/share/man/man1/$page.1.gz | grep -q "^.SH OPTIONS"
    done
    set +eu
    source /usr/share/bash-completion/bash_completion
    _completion_loader millrace
    complete -p millrace | grep -q _millrace || exit 1
    COMP_LINE="millrace pe" COMP_POINT=11 COMP_TYPE=9 COMP_WORDS=(millrace pe) COMP_CWORD=1 COMPREPLY=()
    _millrace millrace pe millrace
    [ "${COMPREPLY[*]}" = peer ] || { echo "bash completes to ${COMPREPLY[*]}"; exit 1; }
    set -e
    ls /usr/share/zsh/vendor-completions/_millrace /usr/share/fish/vendor_completions.d/millrace.fish \
        /lib/systemd/system/millrace-owner@.service /lib/systemd/system/millrace-peer@.service \
        /usr/lib/*/wireshark/plugins/millrace.lua /usr/share/doc/millrace/copyright'
# A minimal system has no systemd: this one's looks at the units, with the program where it is there.
if command -v systemd-analyze >/dev/null; then
    for unit in owner peer; do
        sed "s#^ExecStart=/usr/bin/#ExecStart=$root/usr/bin/#" "$root/lib/systemd/system/millrace-$unit@.service" \
            >"$work/millrace-$unit@.service"
        systemd-analyze verify --man=no "$work/millrace-$unit@.service"
        systemd-analyze security --offline=true --threshold=20 "$work/millrace-$unit@.service" | tail -1
    done
fi

echo "6. The tarball, after the package is gone."
inside 100 'dpkg --purge millrace >/dev/null
    [ ! -e /usr/bin/millrace ]
    tar -C /usr/local --strip-components=1 -xzf /tmp/millrace.tar.gz
    millrace --version
    millrace demo --peers 2 -q | tail -1'

echo "7. Start-up time, the median of 21."
python3 - "$root/usr/local/bin/millrace" <<'END'
import statistics, subprocess, sys, time
times = []
for _ in range(21):
    start = time.perf_counter()
    subprocess.run([sys.argv[1], "--help"], capture_output=True, check=True)
    times.append((time.perf_counter() - start) * 1000)
print(f"millrace --help: {statistics.median(times):.1f} ms ({min(times):.1f} to {max(times):.1f})")
END
echo "The packages work on a clean system."
