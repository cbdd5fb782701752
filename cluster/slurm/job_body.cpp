#include "cluster/slurm/job_body.hpp"

namespace isobath {
namespace {

constexpr const char* kBody = R"sh(
say() { printf '%s isobath job: %s\n' "$(date +%FT%T)" "$*"; }

# Signals come to this shell. bash runs a trap only between commands, so the ranks run in the background; until they do, the wish is kept.
launcher='' stop='' cancelled='' interrupted=''
# shellcheck disable=SC2317  # called by the traps
forward() {
  stop=$1 interrupted=yes
  [[ -z $launcher ]] || kill -USR2 "$launcher" 2>/dev/null
}
trap 'say "USR2: the ranks are told to save and end"; forward USR2' USR2
trap 'say "TERM: the ranks are told to save and end"; cancelled=yes; forward TERM' TERM

newest_checkpoint() { # its step; a folder without a manifest is none
  local manifest step newest=-1
  for manifest in "$run"/checkpoints/step-*/manifest.json; do
    [[ -e $manifest ]] || continue
    step=${manifest%/manifest.json}
    step=$((10#${step##*/step-}))
    ((step <= newest)) || newest=$step
  done
  echo "$newest"
}

last_logged() { # step of the log's last line
  local step
  step=$(tail -c 65536 "$run/metrics.jsonl" 2>/dev/null | grep -aoE '"step": ?[0-9]+' | tail -n 1 | grep -oE '[0-9]+$')
  echo "${step:--1}"
}

# Starts in a row that brought the run no further, this one included; a node that was just lost may cost the next start too.
fruitless_starts() {
  local count=0
  if (($(newest_checkpoint) <= checkpoint_before && $(last_logged) <= logged_before)); then
    [[ ! -s $run/fruitless-starts ]] || count=$(<"$run/fruitless-starts")
    count=$((count + 1))
  fi
  mkdir -p "$run" && echo "$count" >"$run/fruitless-starts"
  echo "$count"
}

# Starts again what a new start can mend: within the bound, and only while starts bring the run further.
again() { # again CODE
  local id=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}
  id=${id:-${SLURM_JOB_ID:-}}
  if [[ -n $cancelled ]]; then
    say "ended by TERM (cancelled, preempted or out of time): whoever sent it decides about another start"
  elif [[ $repeat == chain ]]; then
    say "the next job of the chain goes on"
  elif [[ -z $id ]]; then
    say "the same command goes on from here"
  elif (($(fruitless_starts) >= 2)); then
    say "no requeue: two starts in a row made no new step"
  elif ((restarts >= max_requeues)); then
    say "no requeue: started $((restarts + 1)) times, which is the bound (max_requeues)"
  elif ! command -v scontrol >/dev/null; then
    say "no requeue: there is no scontrol on this node; submit again to go on"
  else
    say "requeue $((restarts + 1)) of at most $max_requeues"
    trap '' TERM USR2 # Slurm ends this shell in its own way now
    scontrol requeue "$id" || say "no requeue: scontrol refused"
  fi
  exit "$1"
}

# A chain's later jobs end at once when an earlier one came to an end that none of them can change.
finish() { # finish CODE
  [[ $repeat != chain ]] || echo "$1" >"$output/chain-$chain.ended"
  exit "$1"
}

cd "$directory" || exit 74
restarts=${SLURM_RESTART_COUNT:-0}
say "start $((restarts + 1)) of $run on ${SLURM_JOB_NODELIST:-$(hostname)}"
if [[ $repeat == chain && -s $output/chain-$chain.ended ]]; then
  say "an earlier job of this chain has come to the end"
  exit "$(<"$output/chain-$chain.ended")"
fi
if ((restarts > max_requeues)); then # requeues after a lost node are Slurm's, and count too
  say "not started: requeued $restarts times, the bound is $max_requeues (max_requeues)"
  exit 93
fi

for module in "${modules[@]}"; do
  module load "$module" || { say "module load $module failed"; exit 69; }
done
settle_environment

checkpoint_before=$(newest_checkpoint)
logged_before=$(last_logged)
code=75
if [[ -z $stop ]]; then
  "${command[@]}" &
  launcher=$!
  # A signal ends wait early, with a code of its own; bash remembers the launcher's for the next wait.
  while :; do
    interrupted=''
    wait "$launcher"
    code=$?
    [[ -n $interrupted ]] || break
  done
  launcher=''
fi
say "the ranks ended with $code"

case $code in
  75 | 79) again "$code" ;;                 # saved on request; a rank was lost
  129 | 1[3-9]? | 2[0-9]?) again "$code" ;; # ended by a signal: 128 + its number
  *) finish "$code" ;;
esac
)sh";

}  // namespace

const char* job_body() { return kBody + 1; }  // the line break behind the opening parenthesis is not part of it

}  // namespace isobath
