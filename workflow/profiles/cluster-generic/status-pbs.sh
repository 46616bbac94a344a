#!/bin/sh
# running, success or failed: what a job of PBS is. Of an ended job (F, in Torque C) its exit status tells, where the server
# keeps a history (job_history_enable, which is off by default).
. "$(dirname "$0")/ended.sh"
tell_ended "$1"
job=$(qstat -x -f "$1" 2>/dev/null || qstat -f "$1" 2>/dev/null)
value() { printf '%s\n' "$job" | sed -n "s/^ *$1 = //p" | head -n 1; }
case $(value job_state) in
  F | C) if [ "$(value '[Ee]xit_status')" = 0 ]; then echo success; else echo failed; fi ;;
  "") if qstat -B >/dev/null 2>&1; then tell_forgotten "$1"; else echo running; fi ;; # else the server is down for a while
  *) echo running ;;
esac
