#!/bin/sh
# running, success or failed: what a job of LSF is. LSF forgets an ended job after CLEAN_PERIOD, by default an hour.
. "$(dirname "$0")/ended.sh"
tell_ended "$1"
case $(bjobs -a -noheader -o stat "$1" 2>&1) in
  DONE) echo success ;;
  EXIT | ZOMBI) echo failed ;;
  *"is not found"*) tell_forgotten "$1" ;;
  *) echo running ;; # also what bjobs says while LSF is down
esac
