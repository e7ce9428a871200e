#!/usr/bin/env bash
# Starts the systemd units for real: the .deb is installed in a clean Debian 12 that systemd boots in a container of its own
# (systemd-nspawn), and an owner and peers are started, asked, killed and stopped there. Needs root.
#
#   Scripts/recipes/systemd.sh [FOLDER]     the folder that Scripts/package.sh has filled; default: .build/packages
set -euo pipefail
cd "$(dirname "$0")/../.."
deb=$(ls -t "${1:-.build/packages}"/millrace_*.deb | head -1)
bash Scripts/install.sh systemd-container
work=$(mktemp -d)
root=$work/root
trap 'rm -rf --one-file-system "$work"' EXIT
bash Scripts/clean-root.sh "$root"
cp "$deb" "$root/root/millrace.deb"
timeout 400 unshare --mount --pid --fork --kill-child chroot "$root" /usr/bin/env -i HOME=/root DEBIAN_FRONTEND=noninteractive \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin bash -euc 'mount -t proc proc /proc
    apt-get update -q && apt-get install -q -y --no-install-recommends systemd systemd-sysv /root/millrace.deb' \
    >"$work/apt.log" 2>&1 || { tail "$work/apt.log"; exit 1; }
cp Scripts/recipes/systemd-inside.sh "$root/root/"
cat >"$root/etc/systemd/system/recipe.service" <<'END'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash -c 'bash /root/systemd-inside.sh >/root/said 2>&1; echo $? >/root/code; systemctl poweroff --no-block'
[Install]
WantedBy=multi-user.target
END
ln -s ../recipe.service "$root/etc/systemd/system/multi-user.target.wants/"
# Where no systemd runs outside there is nobody to register with.
options=()
[ -d /run/systemd/system ] || options=(--register=no --keep-unit)
timeout 120 systemd-nspawn -q -D "$root" --boot --private-network --console=pipe "${options[@]}" \
    </dev/null >"$work/boot.log" 2>&1 || true
cat "$root/root/said"
[ "$(cat "$root/root/code")" = 0 ]
