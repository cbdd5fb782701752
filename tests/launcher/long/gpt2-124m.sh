#!/usr/bin/env bash
# GPT-2's 124M model takes 20 steps on WikiText-2 with two ranks and ZeRO-1. The loss has to fall, and the run that is taken up again at
# step 10 has to end with the same losses, norms, weights and moments, bit for bit.
#   gpt2-124m.sh PROGRAM MPIEXEC [FOLDER]      FOLDER keeps the run and its curve, loss.tsv; otherwise nothing stays
# Needs $ISOBATH_DATA with wikitext-2 and gpt2-bpe, 8 GiB of memory and 4 of disk. Ends with 77 where the data is missing; says why.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
program=$(readlink -f "$1")
mpiexec=$2
if [[ ! -s ${ISOBATH_DATA:-}/wikitext-2/wiki.train.txt || ! -s ${ISOBATH_DATA:-}/gpt2-bpe/vocab.bpe ]]; then
  printf 'tests/launcher/long/gpt2-124m.sh: Skipped\nISOBATH_DATA names no folder with wikitext-2 and gpt2-bpe\n'
  exit 77
fi
# shellcheck source=cluster/mpi-environment.sh
. "$root/cluster/mpi-environment.sh"
if (($# > 2)); then
  work=$3
  mkdir -p "$work"
else
  work=$(mktemp -d "${TMPDIR:-/tmp}/isobath-124m.XXXXXX")
  trap 'rm -rf "$work"' EXIT
fi
cd "$work"
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

tokenizer=bpe:$ISOBATH_DATA/gpt2-bpe/vocab.bpe
"$program" prepare --corpus wikitext-2 --output datasets/train --tokenizer "$tokenizer"
head -n 40 "$ISOBATH_DATA/wikitext-2/wiki.valid.txt" >validation.txt # every window of it is scored at the end
"$program" prepare validation.txt --output datasets/validation --tokenizer "$tokenizer"
train() {
  "$mpiexec" -n 2 "$program" train "$root/configs/experiment/gpt2-124m.yaml" data.path=datasets/train \
    data.validation_path=datasets/validation parallel.zero=1 model.context=256 train.steps=20 train.batch=2 train.micro_batches=1 \
    optim.warmup_steps=4 train.log_every=1 evaluation.every=0 evaluation.windows=4 checkpoint.every=10 checkpoint.keep_last=2 system.threads=1
}
run=runs/gpt2-124m
log() { sed -nE 's/.*"kind":"step","step":([0-9]+),.*"loss":([^,]+),.*"gradient_norm":([^,]+),.*/\1\t\2\t\3/p' $run/metrics.jsonl; }
state() { (cd $run/checkpoints/step-00000020 && find . -name '*.h5' -print0 | sort -z | xargs -0 sha256sum); }

begun=$SECONDS
train
printf 'seconds of the whole run: %d\n' $((SECONDS - begun))
log >loss.tsv
state >state.txt
[[ -s state.txt ]] || fail "no state at step 20"
[[ $(wc -l <loss.tsv) -eq 20 ]] || fail "$(wc -l <loss.tsv) steps of 20"
# Untrained, the loss is ln 50257 = 10.8; one batch in 20 steps has noise of some tenths, five of them half of that.
awk '{ if (NR <= 5) first += $2; if (NR > 15) last += $2 } END { exit !(first / 5 < 11.2 && last < first - 5) }' loss.tsv ||
  fail "the loss did not fall by 1 nat: $(cut -f2 loss.tsv | tr '\n' ' ')"

rm -r $run/checkpoints/step-00000020
train 2>&1 | tee resumed.txt
grep -q 'step *11/20' resumed.txt || fail "the second run did not begin at step 11"
! grep -qE 'step *(10|[1-9])/20' resumed.txt || fail "the second run repeated steps before 11"
diff loss.tsv <(log) || fail "the resumed half has another course"
diff state.txt <(state) || fail "the resumed half has another state at its end"
printf 'loss %s at step 1, %s at step 20; the second half resumes bit-equal\n' "$(sed -n 1p loss.tsv | cut -f2)" "$(tail -n 1 loss.tsv | cut -f2)"
