#!/bin/sh
# running, success or failed: what a job of PBS is. Of an ended job (F, in Torque C) its exit status tells.
job=$(qstat -x -f "$1" 2>/dev/null || qstat -f "$1" 2>/dev/null)
value() { printf '%s\n' "$job" | sed -n "s/^ *$1 = //p" | head -n 1; }
case $(value job_state) in
  F | C) if [ "$(value '[Ee]xit_status')" = 0 ]; then echo success; else echo failed; fi ;;
  "") echo failed ;; # forgotten
  *) echo running ;;
esac
