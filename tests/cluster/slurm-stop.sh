#!/bin/sh
# Ends the Slurm that slurm-start.sh started in FOLDER, by its pid files: slurm-stop.sh FOLDER.
set -eu
folder=$1

scancel --user "$(id -un)" 2>/dev/null || true
for name in slurmd slurmctld munged; do
  file=$folder/$name.pid
  [ -s "$file" ] || continue
  pid=$(cat "$file")
  kill "$pid" 2>/dev/null || continue
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$file"
done
rm -f /etc/slurm/slurm.conf
