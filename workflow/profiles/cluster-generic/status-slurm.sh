#!/bin/sh
# running, success or failed: what a job of Slurm is. An ended job is in squeue for MinJobAge, then only where accounts are kept.
. "$(dirname "$0")/ended.sh"
tell_ended "$1"
state=$(squeue --noheader --states=all --jobs "$1" --format %T 2>/dev/null)
[ -n "$state" ] || state=$(sacct --allocations --noheader --parsable2 --format State --jobs "$1" 2>/dev/null)
case $state in
  COMPLETED) echo success ;;
  BOOT_FAIL* | CANCELLED* | DEADLINE* | FAILED* | NODE_FAIL* | OUT_OF_MEMORY* | PREEMPTED* | TIMEOUT*) echo failed ;;
  "") if scontrol ping >/dev/null 2>&1; then tell_forgotten "$1"; else echo running; fi ;; # else Slurm is down for a while
  *) echo running ;;
esac
