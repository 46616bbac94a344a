#!/bin/sh
# running, success or failed: what a job of SGE is. An ended job leaves qstat at once and enters qacct some seconds later.
if job=$(qstat 2>/dev/null | awk -v id="$1" '$1 == id {print $5}') && [ -n "$job" ]; then
  case $job in
    *E*) echo failed ;; # could not be started
    *) echo running ;;
  esac
  exit
fi
for _ in 1 2 3 4 5 6; do
  if account=$(qacct -j "$1" 2>/dev/null); then
    printf '%s\n' "$account" | awk '$1 == "failed" || $1 == "exit_status" {bad += ($2 != 0)} END {print bad ? "failed" : "success"}'
    exit
  fi
  sleep "${SECONDS_BETWEEN:-5}"
done
echo failed
