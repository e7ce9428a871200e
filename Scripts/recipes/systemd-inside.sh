#!/usr/bin/env bash
# What Scripts/recipes/systemd.sh does where systemd runs.
set -euo pipefail
fail() { echo "FAILED: $*"; systemctl status --no-pager 'millrace-*' || true; journalctl --no-pager -u 'millrace-*' | tail -n 20; exit 1; }
until_true() { for _ in $(seq 100); do eval "$1" && return; sleep 0.1; done; fail "$1"; }
shows() { systemctl show -P "$2" "millrace-$1"; }
ask() { exec 3<>"/dev/tcp/127.0.0.1/$1"; printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3; cat <&3; exec 3>&-; }

systemctl --version | head -1
head -c 30000000 /dev/urandom >/srv/image.bin
mkdir -p /etc/millrace /srv/out
cp /usr/share/doc/millrace/examples/owner-example.conf /etc/millrace/owner-image.conf
sed -i 's#^FILE=.*#FILE=/srv/image.bin#; s#^OPTIONS=#&--announce --http 8080 #' /etc/millrace/owner-image.conf
cp /usr/share/doc/millrace/examples/peer-example.conf /etc/millrace/peer-image.conf
sed -i 's#^OWNER=.*#OWNER=localhost:9000#' /etc/millrace/peer-image.conf
printf 'OWNER=localhost:9000\nLISTEN=9002\nOPTIONS=--store chunks --http 8082 --output /srv/out/copy.bin\n' >/etc/millrace/peer-copy.conf
mkdir -p /etc/systemd/system/millrace-peer@copy.service.d
printf '[Service]\nReadWritePaths=/srv/out\n' >/etc/systemd/system/millrace-peer@copy.service.d/output.conf
chmod 777 /srv/out
systemctl daemon-reload

systemctl start millrace-owner@image
[ "$(shows owner@image ActiveState)" = active ] || fail "the owner is not active"
[ "$(shows owner@image StatusText)" = "serving image.bin, 0 peers here, 0 have the file" ] || fail "the owner's status"
[[ $(ask 8080 /healthz) = *" 200 OK"* ]] || fail "HTTP"
found=$(millrace peer --discover) || fail "the owner does not announce itself: $found"
[[ $found = *":9000  image.bin  "* ]] || fail "$found"
echo "The owner is active once it listens, announces itself, and answers HTTP."

systemctl start millrace-peer@image millrace-peer@copy
until_true '[ "$(shows peer@image StatusText)" = "complete and verified, serving others" ]'
until_true '[ "$(shows owner@image StatusText)" = "serving image.bin, 2 peers here, 2 have the file" ]'
cmp /srv/image.bin /var/lib/millrace/peer-image/image.bin || fail "the copy differs"
cmp /srv/image.bin /srv/out/copy.bin || fail "the copy at --output differs"
echo "Two peers have identical copies; $(shows owner@image StatusText)."
[[ $(ask 8082 /status) = *'"transport":"uring"'* ]] || fail "io_uring under the unit's filter"
echo "io_uring works under the units' filter of system calls."
[ "$(stat -c %U /srv/out/copy.bin)" != root ] || fail "the peer runs as root"

before=$(shows owner@image MainPID)
kill -KILL "$before"
until_true '[ "$(shows owner@image MainPID)" != "$before" ] && [ "$(shows owner@image ActiveState)" = active ]'
echo "An owner that is killed is started again."

systemctl stop millrace-owner@image millrace-peer@image
for unit in owner@image peer@image; do
    [ "$(shows $unit ActiveState)" = inactive ] || fail "$unit has not stopped well"
done
echo "Stopped, they have not failed."

sed -i 's#^FILE=.*#FILE=/srv/missing.bin#' /etc/millrace/owner-image.conf
! systemctl start millrace-owner@image 2>/dev/null || fail "an owner without its file starts"
[ "$(shows owner@image ExecMainStatus)" = 8 ] || fail "its exit code"
[ "$(shows owner@image ActiveState)" = failed ] || fail "it is started again though that can't help"
journalctl --no-pager -o cat -u millrace-owner@image | grep 'millrace: .*missing.bin'
echo "What starting again can't mend fails once: exit code 8."
