#!/bin/sh
# running, success or failed: what a job of SGE is. An ended job leaves qstat at once and enters qacct some seconds later.
. "$(dirname "$0")/ended.sh"
tell_ended "$1"
if ! jobs=$(qstat 2>/dev/null); then
  echo running # the master is down for a while
  exit
fi
case $(printf '%s\n' "$jobs" | awk -v id="$1" '$1 == id {print $5}') in
  "") ;;
  *E*) echo failed; exit ;; # could not be started
  *) echo running; exit ;;
esac
if account=$(qacct -j "$1" 2>/dev/null); then
  printf '%s\n' "$account" | awk '$1 == "failed" || $1 == "exit_status" {bad += ($2 != 0)} END {print bad ? "failed" : "success"}'
else
  tell_forgotten "$1"
fi
