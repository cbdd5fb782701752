#!/usr/bin/env bash
# Trains a dense, a Token-Selective and a Mixture-of-Depths transformer on the King James Bible with two MPI ranks each, scores them under the
# rule they were trained with and under the one they can be deployed with, and draws what came out. Everything lands in demo/.
set -euo pipefail
. cluster/mpi-environment.sh
readonly program=$PWD/build/cpu-release/isobath
readonly out=$PWD/demo
say() { printf '\n== %s\n' "$*"; }
mkdir -p "$out/datasets"

# Debian's bible-kjv prints "Ge1:1 In the beginning..."; the labels go, because predictable filler flatters routing.
say "text: the King James Bible from the package bible-kjv"
[[ -s $out/bible.txt ]] || bible -f gen1:1-rev22:21 | sed -E 's/^[0-9]?[A-Za-z]+[0-9]+:[0-9]+ //' >"$out/bible.partial"
[[ -s $out/bible.txt ]] || mv "$out/bible.partial" "$out/bible.txt"
cd "$out"
"$program" prepare bible.txt --output datasets/demo --tokenizer characters

for run in dense tsa mod; do
  say "train: demo-$run, two ranks"
  mpirun -n 2 "$program" train "../configs/experiment/demo-$run.yaml"
  say "evaluate: demo-$run"
  mpirun -n 2 "$program" evaluate "runs/demo-$run"
done

say "compare"
"$program" report runs/demo-dense runs/demo-tsa runs/demo-mod --output report
gnuplot -e "folder='report'" ../cluster/report.gnuplot
echo "picture: $out/report/report.svg"
