#!/bin/sh
# endings.sh MPIRUN PROGRAM: however one rank ends, mpirun returns its code within seconds and nothing hangs.
mpirun=$1 program=$2 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# expect HOW CODE WORDS: the job returns CODE and its output has WORDS.
expect() {
  timeout -k 5 30 "$mpirun" -n 3 "$program" "$1" >"$log" 2>&1
  code=$?
  if [ "$code" -ne "$2" ]; then
    echo "$1: mpirun returned $code, expected $2"; cat "$log"; failed=1
  elif [ -n "$3" ] && ! grep -q "$3" "$log"; then
    echo "$1: the output lacks \"$3\""; cat "$log"; failed=1
  fi
}

expect late 0 ''
expect agreed 93 ''
expect one-fails 65 'train.bin is empty'
if [ "$(grep -c 'train.bin is empty' "$log")" -ne 1 ]; then
  echo 'one-fails: the error was not printed once'; cat "$log"; failed=1
fi
expect abort 65 'rank 2 cannot go on'
expect watchdog 79 'nothing moves'
expect throw 65 'an error that leaves the session'
expect exit 3 ''
exit $failed
