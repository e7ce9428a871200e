#!/usr/bin/env bash
# Tries the recipes for pdsh and clush for real: an owner and three machines, each a network namespace of its own with its
# own sshd, joined by a bridge. Needs root. It makes namespaces named mrssh-*, and takes them away.
#
#   Scripts/recipes/ssh.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")/../.."
bash Scripts/install.sh iproute2 openssh-server openssh-client pdsh clustershell

work=$(mktemp -d)
mkdir -p /run/sshd
servers=()
clean() {
    for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; done
    for name in owner 11 12 13 switch; do ip netns del "mrssh-$name" 2>/dev/null || true; done
    rm -rf "$work"
}
trap clean EXIT

ip netns add mrssh-switch
ip -n mrssh-switch link add bridge type bridge
ip -n mrssh-switch link set bridge up
machine() {
    ip netns add "mrssh-$1"
    ip -n "mrssh-$1" link add eth0 type veth peer name "port$2" netns mrssh-switch
    ip -n "mrssh-$1" addr add "10.77.0.$2/24" dev eth0
    ip -n "mrssh-$1" link set lo up
    ip -n "mrssh-$1" link set eth0 up
    ip -n mrssh-switch link set "port$2" master bridge up
}
machine owner 10
ssh-keygen -qt ed25519 -N '' -f "$work/host"
ssh-keygen -qt ed25519 -N '' -f "$work/key"
cp "$work/key.pub" "$work/authorized"
cat >"$work/sshd.conf" <<END
HostKey $work/host
AuthorizedKeysFile $work/authorized
StrictModes no
UsePAM no
PidFile none
PermitRootLogin prohibit-password
SetEnv PATH=$work/bin:/usr/bin:/bin
END
mkdir "$work/bin"
ln -s "$program" "$work/bin/millrace"
for number in 11 12 13; do
    machine "$number" "$number"
    mkdir -p "$work/10.77.0.$number"
    ip netns exec "mrssh-$number" /usr/sbin/sshd -D -e -f "$work/sshd.conf" 2>"$work/sshd-$number.log" &
    servers+=($!)
done
ssh_options="-i $work/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
for number in 11 12 13; do
    for _ in $(seq 50); do
        # shellcheck disable=SC2086
        ip netns exec mrssh-owner ssh $ssh_options -o ConnectTimeout=2 "root@10.77.0.$number" true 2>/dev/null && break
        sleep 0.1
    done
done
head -c 20000000 /dev/urandom >"$work/image.bin"

try() {
    local name=$1
    shift
    ip netns exec mrssh-owner timeout 60 "$program" owner 9000 "$work/image.bin" --peers 3 --store flat -q \
        --dir "$work/owner-$name" &
    local owner=$!
    ip netns exec mrssh-owner timeout 60 "$@" || { echo "$name failed" >&2; return 1; }
    wait "$owner"
    for number in 11 12 13; do
        cmp "$work/image.bin" "$work/10.77.0.$number/$name.bin"
    done
    echo "$name: three machines have identical copies"
}
export PDSH_SSH_ARGS_APPEND="$ssh_options"
try pdsh pdsh -S -R ssh -l root -w '10.77.0.[11-13]' \
    "millrace peer 10.77.0.10:9000 9001 --store flat -q --dir $work/%h/pdsh --output $work/%h/pdsh.bin"
# Machines of one's own have the same path each; here they share a disk, and clush over ssh names no host in the command.
# shellcheck disable=SC2016
here='$(echo $SSH_CONNECTION | cut -d" " -f3)'
try clush clush -S -o "$ssh_options" -l root -w '10.77.0.[11-13]' \
    "millrace peer 10.77.0.10:9000 9001 --store flat -q --dir $work/$here/clush --output $work/$here/clush.bin"
