#!/bin/sh
# Starts a Slurm of one node without systemd, as root: slurm-start.sh FOLDER. Its pid files, keys and logs are in FOLDER.
# What it says on stderr before it ends with 3 is why there can be no Slurm here.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
conf=/etc/slurm/slurm.conf # SLURM_CONF does not reach the jobs: the daemons' default path does
mark="# one-node Slurm of a test suite"

refuse() { echo "no Slurm here: $*" >&2; exit 3; }

[ "$(id -u)" = 0 ] || refuse "only root can start one"
for program in munged slurmctld slurmd sbatch squeue scancel scontrol sinfo; do
  command -v "$program" >/dev/null || refuse "$program is not installed (Debian: slurmctld slurmd slurm-client munge)"
done
if [ -e "$conf" ]; then
  [ "$(head -n 1 "$conf")" = "$mark" ] || refuse "$conf belongs to another Slurm"
  pid=$(cat "$(sed -n 's/^SlurmctldPidFile=//p' "$conf")" 2>/dev/null || true)
  [ -z "$pid" ] || ! kill -0 "$pid" 2>/dev/null || refuse "another run of these tests uses $conf (process $pid)"
fi

# Whatever does not start below, nothing of it stays.
trap 'status=$?; [ "$status" = 0 ] || "$here/slurm-stop.sh" "$folder"' EXIT

mkdir -p "$folder/state" "$folder/spool" "$(dirname "$conf")"
chmod 700 "$folder"
node=$(hostname -s)
cat >"$conf" <<END
$mark
ClusterName=tests
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=$folder/munge.sock
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=86400
KillWait=5
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000
NodeName=$node NodeAddr=127.0.0.1 CPUs=4 RealMemory=64000 State=UNKNOWN
PartitionName=tests Nodes=$node Default=YES MaxTime=INFINITE State=UP
END

dd if=/dev/urandom of="$folder/munge.key" bs=1024 count=1 2>/dev/null
chmod 400 "$folder/munge.key"
munged --force --key-file "$folder/munge.key" --socket "$folder/munge.sock" --pid-file "$folder/munged.pid" \
  --log-file "$folder/munged.log" --seed-file "$folder/munged.seed"
slurmctld -f "$conf"
slurmd -f "$conf" -N "$node"

tries=0
until [ "$(sinfo --noheader --format %T 2>/dev/null)" = idle ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 300 ]; then
    tail -n 20 "$folder"/*.log >&2
    echo "Slurm does not come up" >&2
    exit 1
  fi
  sleep 0.1
done
