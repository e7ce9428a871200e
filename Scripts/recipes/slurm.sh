#!/usr/bin/env bash
# Tries Packaging/slurm/millrace-bcast for real, and sbcast beside it: a Slurm of three nodes on this machine, in a
# network namespace of its own, with its own munge. Needs root. Nothing of it is left.
#
#   Scripts/recipes/slurm.sh PROGRAM
set -euo pipefail
if [ "${MILLRACE_INSIDE:-}" != yes ]; then
    bash "$(dirname "$0")/../install.sh" slurmctld slurmd slurm-client munge
    MILLRACE_INSIDE=yes exec timeout "${LIMIT:-120}" unshare --net --mount --pid --uts --fork --kill-child --mount-proc bash ${TRACE:+-x} "$0" "$(realpath "$1")"
fi
program=$1
cd "$(dirname "$0")/../.."
hostname localhost
ip link set lo up
# Names are only looked up where an address besides loopback is there (AI_ADDRCONFIG).
ip link add lan type bridge
ip addr add 10.78.0.1/24 dev lan
ip link set lan up
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/spool" "$work/state"
ln -s "$program" "$work/bin/millrace"
ln -s "$PWD/Packaging/slurm/millrace-bcast" "$work/bin/"
export PATH=$work/bin:/usr/sbin:/usr/bin:/sbin:/bin

# Munge wants its folders to be nobody else's: /run is one of this run alone.
mount -t tmpfs tmpfs /run
mkdir -p /run/munge
head -c 1024 /dev/urandom >"$work/munge.key"
chmod 600 "$work/munge.key"
chmod 755 "$work" /run/munge
munged --force --key-file="$work/munge.key" --socket=/run/munge/munge.socket.2 --pid-file=/run/munge/pid \
    --log-file="$work/munge.log" --seed-file="$work/munge.seed" 2>/dev/null

export SLURM_CONF=$work/slurm.conf
cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmctldHost=localhost
SlurmctldPort=17000
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool/%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.%n.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/linear
ReturnToService=2
MpiDefault=none
NodeName=n0 NodeHostname=localhost NodeAddr=127.0.0.1 Port=17001 State=UNKNOWN
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=17002 State=UNKNOWN
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=17003 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
slurmctld
for node in n0 n1 n2; do
    mkdir "$work/spool/$node"
    slurmd -N "$node"
done
for _ in $(seq 40); do
    [ "$(sinfo -h -o %T 2>/dev/null)" = idle ] && [ "$(sinfo -h -o %D)" = 3 ] && break
    sleep 0.2
done
sinfo -h -o 'Slurm has %D nodes, %T' || { tail -n 5 "$work"/*.log; exit 1; }

head -c 30000000 /dev/urandom >"$work/model.bin"
cat >"$work/job.sh" <<END
#!/bin/bash
#SBATCH --nodes=3 --ntasks-per-node=1 --output=$work/job.out
set -e
millrace-bcast $work/model.bin $work/copy-%n.bin
millrace-bcast -f $work/model.bin $work/copy-%n.bin
if millrace-bcast $work/model.bin $work/copy-%n.bin 2>$work/again; then exit 1; fi
grep -q 'exists on n' $work/again
# The three nodes share a disk, and sbcast has no name of its own for each.
sbcast -f $work/model.bin $work/sbcast.bin
cmp $work/model.bin $work/sbcast.bin
echo finished
END
sbatch --wait "$work/job.sh" || { cat "$work/job.out"; tail -n 5 "$work"/slurm*.log; exit 1; }
tail -1 "$work/job.out"
for node in 0 1 2; do cmp "$work/model.bin" "$work/copy-$node.bin"; done
[ ! -e "$work/.millrace-copy-0.bin" ]
echo "srun: three nodes have identical copies; a second copy needs -f, as with sbcast"
scontrol shutdown || true
for _ in $(seq 100); do
    [ -e "$work/slurmctld.pid" ] || break
    sleep 0.1
done
