#!/usr/bin/env bash
# Every test that this machine can run. Without options it is what a change has to pass; --full adds the long forms.
#   tests/run.sh [--full]
# Ends with 1 when anything failed, after all of it has run; says what was skipped and why.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. cluster/mpi-environment.sh

full=no
[[ ${1:-} == --full ]] && full=yes
readonly full
readonly cores=$(nproc)
failed=()
begun=$SECONDS
readonly failures=build/failures.log
mkdir -p build && : >"$failures"

say() { printf '\n== %s  (%d:%02d)\n' "$*" $(((SECONDS - begun) / 60)) $(((SECONDS - begun) % 60)); }

build() { # build PRESET TARGET...
  local preset=$1
  shift
  say "build: $preset"
  local log=build/configure-$preset.log
  if ! cmake --preset "$preset" >"$log" 2>&1; then
    cat "$log"
    return 1
  fi
  cmake --build "build/$preset" --target "$@" -- --quiet
}

# Runs the tests of a build whose names match; a build that failed counts as a failure of its tests.
check() { # check PRESET REGEX
  say "test: $1"
  ctest --test-dir "build/$1" --parallel "$cores" --output-on-failure --no-tests=error --progress --tests-regex "$2" && return
  failed+=("$1")
  last_words "build/$1/Testing/Temporary/LastTest.log" >>"$failures"
}

# What each failed test of a log said last: a summary has to be enough where only the end of the output is kept.
last_words() { # last_words LOG
  awk '/^[0-9]+\/[0-9]+ Testing: / { name = $0; sub(/^[^:]*: /, "", name); lines = 0 }
    { said[lines++] = $0 }
    /^Test Fail/ {
      print "-- " name
      for (line = lines > 42 ? lines - 42 : 0; line < lines; line++) print "   " said[line]
    }' "$1"
}

step() { # step NAME COMMAND...
  local name=$1
  shift
  say "$name"
  "$@" || failed+=("$name")
}

# Public readers of what isobath writes, and the headers of cudnn-frontend. Where no package index can be reached, their tests skip and say so.
python_readers() {
  local home=build/test-python list=tests/support/python.txt
  cmp -s "$list" "$home/complete" || {
    python3 -m venv "$home" && "$home/bin/pip" install --quiet --disable-pip-version-check --requirement "$list" && cp "$list" "$home/complete"
  } || return 0
  export ISOBATH_TEST_PYTHON=$PWD/$home/bin/python
}
say "Python readers"
python_readers

if build cpu-release all; then
  step lint python3 tests/lint/lint.py --headers build/cpu-release
  check cpu-release '.*'
else
  failed+=(cpu-release)
fi

# Memory errors and undefined behaviour where bytes are parsed, indexed and moved.
build cpu-asan test_ops test_ops_rows test_ops_dense test_attention test_data test_configs test_checkpoint &&
  check cpu-asan '^(ops|ops_rows|ops_dense|attention|data|configs|checkpoint)\.' || failed+=(cpu-asan)

# Races between ranks that are threads, and in the loader; --full takes every number of ranks, and unchecked calls too. OpenMP is not
# instrumented: kernels run with one thread.
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp"
build cpu-tsan test_parallel test_data test_laws &&
  check cpu-tsan '^(parallel\.|data\.(Prefetch|Loader)|laws\..*Ranks.*_on_[24]_threads_checked$)' || failed+=(cpu-tsan)

# CUDA kernels and streams, cuBLASLt and NCCL calls, and training with them, executed on the CPU; the same bodies run on a GPU where there
# is one. Needs no CUDA toolkit. emulated.races is the kernels once under TSan, all but one instance of AdamW's.
build cuda-emulated isobath test_emulated test_emulated_ops test_emulated_nccl test_emulated_cudnn test_emulated_races test_gpu test_gpu_ranks test_gpu_laws test_gpu_laws_ranks test_gpu_laws_runs test_kernels kernel_traffic test_doctor test_cuda_report &&
  check cuda-emulated '^(emulated|gpu)\.' || failed+=(cuda-emulated)

if [[ $full == yes ]]; then # all of the suite and the kernels' hosts under TSan and ASan, what a newcomer sees, and whether planted faults are noticed
  build cpu-tsan all && check cpu-tsan '^(parallel|data|laws)\.' || failed+=(cpu-tsan)
  for preset in cuda-emulated-tsan cuda-emulated-asan; do
    build $preset test_emulated test_emulated_ops test_gpu && check $preset '^(emulated|gpu)\.' || failed+=($preset)
  done
  step gpu-laws ctest --test-dir build/cuda-emulated --build-config Full --output-on-failure --no-tests=error --tests-regex '^gpu\.laws\.whole'
  step demo ./quickstart demo
  step mutation python3 tests/mutation/run.py --sample 100 --seed 1 --minutes 6
  step long ctest --test-dir build/cpu-release --build-config Full --output-on-failure --no-tests=error --tests-regex '^(slurm\.Walltime|launcher\.Gpt2)$'
fi

# What runs on a device, whatever the order of threads or schedule of streams, but the halves on the CPU.
awaits_gpu() {
  ctest --test-dir build/cuda-emulated -N -L gpu | sed -nE 's/^ *Test *#[0-9]+: //p' | sed -E 's/\.(forward|reverse|random|late|eager)\b//' |
    grep -v '/cpu$' | sort -u | wc -l
}
say "awaiting a GPU: $(awaits_gpu) tests, which ran on the emulated device; on a machine with one: ctest -L gpu (docs/gpu.md)"

say "skipped tests and why"
grep -h -A1 -E ': Skipped$' build/*/Testing/Temporary/LastTest.log 2>/dev/null | grep -vE ': Skipped$|^--$' | sort | uniq -c || true

if ((${#failed[@]})); then
  cat "$failures"
  say "FAILED: $(printf '%s\n' "${failed[@]}" | sort -u | tr '\n' ' ')"
  grep '^-- ' "$failures"
  exit 1
fi
say "all passed"
