#!/usr/bin/env python3
"""The runner on two mutants of a small kernel: one changes what is computed, one does not; and the checkout is as it was.
Usage: self_test.py BUILD SCRATCH"""
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from build import Build  # noqa: E402
from judge import Judge  # noqa: E402
from operators import mutants_of  # noqa: E402
from reach import Reach, is_ours  # noqa: E402
from trial import Trials  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
FILE = "ops/step_control/step_control_cuda.cu"
NOTICED = ("choice", "? plan.max_norm / norm : 1.0", "? 1.0 : plan.max_norm / norm")
# Equal norms: the gradient is scaled by exactly 1.
EQUIVALENT = ("compare", "norm > plan.max_norm", "norm >= plan.max_norm")


def picked(mutants, operator, before, after):
    found = [mutant for mutant in mutants if mutant.operator == operator and before in mutant.before and after in mutant.after]
    assert len(found) == 1, f"{len(found)} mutants are {operator}: {before}"
    return found[0]


def state():
    return subprocess.run(["git", "status", "--porcelain", "--", "ops", "parallel"], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def main():
    folder, scratch = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    build = Build(ROOT, folder, scratch, "1")
    judge = Judge(build, Reach(ROOT, [unit for unit in build.commands if is_ours(unit)]), Trials(build.tests()), scratch, {FILE: 2})
    mutants = mutants_of(FILE, (ROOT / FILE).read_text())
    before = state()
    for pick, status in ((NOTICED, "noticed"), (EQUIVALENT, "survived")):
        verdict = judge.judge(picked(mutants, *pick))
        print(verdict)
        assert verdict.status == status, f"{pick} should have been {status}"
    assert state() == before, "the checkout was changed"


if __name__ == "__main__":
    main()
