#!/bin/sh
# running, success or failed: what a job of LSF is.
case $(bjobs -a -noheader -o stat "$1" 2>/dev/null) in
  DONE) echo success ;;
  EXIT | ZOMBI | "") echo failed ;;
  *) echo running ;;
esac
