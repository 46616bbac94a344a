# What the status scripts share. A job that came to its end has left its exit status in a file (jobscript.sh); one that was
# killed has not, and one that the queue never started neither.

# Says what the job left, and ends the script; goes on where it has left nothing.
tell_ended() {
  file=.snakemake/ended-$1
  [ -s "$file" ] || return 0
  if [ "$(cat "$file")" = 0 ]; then echo success; else echo failed; fi
  rm -f "$file"
  exit
}

# Of a job that the queue knows no more: waits a minute for its file, since shared file systems lag.
tell_forgotten() {
  for _ in 1 2 3 4 5 6; do
    sleep "${SECONDS_BETWEEN:-10}"
    tell_ended "$1"
  done
  echo failed
}
