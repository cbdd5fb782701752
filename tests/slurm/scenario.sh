#!/usr/bin/env bash
# The program under a real Slurm on this machine: trained by srun and by mpirun, signalled, requeued, cancelled, with a node
# that dies, in a chain and in an array. Whatever happened, the log {step, tokens, loss, gradient norm} is that of the uninterrupted run.
#   scenario.sh PROGRAM [walltime]      walltime: the long form, in which the job runs into its time limit (two minutes)
# Ends with 77 where this machine cannot carry a cluster; says why.
# shellcheck disable=SC2016  # what stands in single quotes is for other shells
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
program=$(readlink -f "$1")
readonly here root program form=${2:-short}
# shellcheck source=tests/slurm/cluster.sh
. "$here/cluster.sh"

missing=$(cluster_missing)
if [[ -n $missing ]]; then
  printf 'tests/slurm/scenario.sh: Skipped\n%s\n' "$missing"
  exit 77
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/isobath-slurm.XXXXXX")
readonly work
leave() {
  local code=$?
  set +e
  cluster_stop
  if ((code != 0)); then
    grep -avE 'step +[0-9]+/' "$work"/runs/*slurm/*.out "$work"/runs/*/slurm/*.out | sed "s#^$work/##"
    tail -n 12 "$work"/cluster/log/slurmctld.log
    [[ ! -s core ]] || gdb -batch -ex 'thread apply all bt 16' "$program" core 2>/dev/null || ls -l core
  fi
  rm -rf "$work"
  exit "$code"
}
trap leave EXIT
trap 'exit 1' INT TERM
cd "$work"

pass() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
eventually() { # eventually SECONDS COMMAND...
  local end=$((SECONDS + $1))
  shift
  until "$@"; do ((SECONDS < end)) || fail "not in time: $*"; sleep 0.1; done
}

submit() { "$program" submit run.yaml --site "$root/cluster/profiles/ci.yaml" "$@" >submitted || fail "submit $*"; awk 'END { print $NF }' submitted; }
job_says() { [[ $(scontrol show job -o "$1") == *" $2"* ]]; }
last_step() { grep -o '"step":[0-9]*' "runs/$1/metrics.jsonl" 2>/dev/null | tail -n 1 | cut -d: -f2 || true; }
has_step() { [[ $(last_step "$1") -ge $2 ]]; }
loss_log() {
  sed -nE 's/.*"kind":"step","step":([0-9]+),.*"tokens":([0-9]+),.*"loss":([^,]+),.*"gradient_norm":([^,]+),.*/\1 \2 \3 \4/p' "runs/$1/metrics.jsonl"
}
same_log() { # as the uninterrupted run, with every step once
  [[ $(loss_log "$1" | wc -l) -eq $steps ]] || fail "$1 has $(loss_log "$1" | wc -l) steps of $steps"
  diff <(loss_log reference) <(loss_log "$1") >/dev/null || fail "the log of $1 differs: $(diff <(loss_log reference) <(loss_log "$1") | head -n 3)"
}
output_has() { grep -q -- "$2" runs/"$1"/slurm/*.out || fail "$1 does not say: $2"; }
# Slurm holds a requeued job for two minutes, because a node takes no job in the second in which it was told to end it.
has_restarted() { # has_restarted JOB TIMES
  job_says "$1" "Restarts=$2" || return 1
  if job_says "$1" JobState=PENDING; then
    sleep 2
    scontrol update JobId="$1" StartTime=now || true
    sleep 1
  fi
  job_says "$1" JobState=RUNNING || job_says "$1" JobState=COMPLETED
}

readonly steps=300
cat "$root"/README.md "$root"/docs/*.md >text.txt
"$program" prepare text.txt --output data --tokenizer bytes
cat >run.yaml <<END
name: reference
model: {layers: 2, width: 64, heads: 2, context: 64, dropout: 0.1}
data: {path: data, validation_block: 512}
train: {steps: $steps, batch: 8}
evaluation: {every: 0, windows: 8}
checkpoint: {every: 100}
system: {threads: 1}
END
cluster_start "$work/cluster" 4
pass "four nodes are up"

interrupted_by_usr2() { # interrupted_by_usr2 LAUNCHER
  local name=by-$1 job
  job=$(submit "name=$name" --launcher "$1")
  eventually 30 has_step "$name" 20
  scancel --signal=USR2 --batch "$job"
  eventually 30 has_restarted "$job" 1
  eventually 30 job_says "$job" JobState=COMPLETED
  output_has "$name" 'the ranks ended with 75'
  output_has "$name" 'requeue 1 of at most 3'
  output_has "$name" 'the ranks ended with 0'
  same_log "$name"
  pass "$1: signalled, saved, requeued, resumed, finished; same log"
}

cancelled() {
  local job
  job=$(submit name=cancelled)
  eventually 30 has_step cancelled 20
  scancel "$job"
  eventually 20 job_says "$job" JobState=CANCELLED
  eventually 20 grep -q 'whoever sent it decides' runs/cancelled/slurm/"$job".out
  job_says "$job" Restarts=0 || fail "a cancelled job came back"
  job=$(submit name=cancelled)
  eventually 30 job_says "$job" JobState=COMPLETED
  same_log cancelled
  pass "scancel: not requeued; the same command finished it; same log"
}

# Slurm takes half a minute to believe that a node is gone, so the other parts run meanwhile, on other nodes: jobs share none.
lose_node() {
  lost=$(submit name=lost)
  eventually 30 test -e runs/lost/checkpoints/step-00000100/manifest.json
  job_says "$lost" 'NodeList=n[1-2]' || fail "the run to lose is elsewhere"
  node_kill n2
  pass "a node was killed"
}

node_was_lost() {
  eventually 60 has_restarted "$lost" 1
  eventually 40 job_says "$lost" JobState=COMPLETED
  grep -qE 'start 2 of runs/lost on n\[(1,3|1,4|3-4)\]' runs/lost/slurm/*.out || fail "the lost node ran it again"
  same_log lost
  pass "its run: requeued onto other nodes, resumed, finished; same log"
}

chained() {
  local first last
  last=$(submit name=chain --chain 3)
  first=$(awk 'NR == 1 { print $NF }' submitted)
  eventually 30 has_step chain 20
  scancel --signal=USR2 --batch "$first"
  eventually 40 job_says "$last" JobState=COMPLETED
  job_says "$first" JobState=FAILED || fail "the signalled job of the chain did not end with 75"
  output_has chain 'an earlier job of this chain has come to the end'
  same_log chain
  pass "chain: the second job finished the run, the third had nothing to do; same log"
}

array() {
  local job
  job=$(submit name=sweep --nodes 1 --array seed=1 --array "seed=2 train.steps=40" --at-once 1)
  eventually 60 test -e runs/sweep-1/checkpoints/step-00000040/manifest.json
  eventually 20 job_says "$job" JobState=COMPLETED
  [[ $(last_step sweep-0) == "$steps" && -s runs/sweep-slurm/${job}_0.out && -s runs/sweep-slurm/${job}_1.out ]] || fail "the array's runs"
  pass "array: two runs in folders of their own"
}

gpus() { # a program that says what a rank is given
  printf '#!/bin/sh\necho "rank $SLURM_PROCID local $SLURM_LOCALID sees $CUDA_VISIBLE_DEVICES"\n' >shows
  chmod +x shows
  { cat "$root/cluster/profiles/ci.yaml"; printf 'program: %s\n' "$work/shows"; } | sed 's/^ranks_per_node.*/gpus_per_node: 2/' >gpu.yaml
  "$program" submit run.yaml name=gpus --site gpu.yaml >submitted
  eventually 20 grep -qs 'ended with 0' "runs/gpus/slurm/$(awk '{ print $NF }' submitted).out"
  [[ $(grep -cE 'rank [0-3] local [01] sees 0,1$' runs/gpus/slurm/*.out) == 4 ]] || fail "ranks and GPUs"
  pass "GPUs: a rank for each, all of a node's in sight"
}

walltime() {
  local job
  job=$(submit name=walltime --time 00:02:00 train.steps=1000000)
  eventually 150 grep -qs 'requeue 1 of' runs/walltime/slurm/"$job".out
  output_has walltime 'USR2: the ranks are told to save'
  eventually 30 has_restarted "$job" 1
  eventually 30 grep -qs 'start 2 of' runs/walltime/slurm/"$job".out
  scancel "$job"
  pass "walltime: warned, saved, requeued"
}

documented() { # every ```sh block of docs/slurm.md, as a user of this cluster would type it
  local name
  mkdir documented
  sed 's/^name: .*/name: small/' run.yaml >documented/run.yaml
  ln -s "$work/data" documented/data
  {
    printf 'set -euo pipefail\nPATH=%q:$PATH\n. %q\n' "$(dirname "$program")" "$root/cluster/mpi-environment.sh"
    printf 'export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo\n'
    sed -n '/^```sh$/,/^```$/{/^```/!p}' "$root/docs/slurm.md"
  } >documented/commands
  (cd documented && bash commands >output 2>&1) || { cat documented/output; fail "a command of docs/slurm.md"; }
  eventually 60 bash -c '[[ -z $(squeue -h --name=small,chained) ]]'
  for name in small small-0 chained; do
    grep -q '"step":300,' "documented/runs/$name/metrics.jsonl" || fail "docs/slurm.md: $name did not finish"
  done
  grep -q '"step":40,' documented/runs/small-1/metrics.jsonl || fail "docs/slurm.md: small-1 did not finish"
  pass "docs/slurm.md: every command in it"
}

if [[ $form == walltime ]]; then
  walltime
  exit
fi
reference=$(submit)
eventually 40 job_says "$reference" JobState=COMPLETED
pass "reference: $steps steps on two nodes by srun, uninterrupted"
lose_node
gpus
array
interrupted_by_usr2 srun
interrupted_by_usr2 mpirun
cancelled
chained
documented
node_was_lost
pass "all"
