"""Judges mutants: compiled, run, noticed or not."""
import shutil
import time
from dataclasses import dataclass

from build import DoesNotLink
from trial import Outcome, carry_out

MOST_UNITS = 8  # of those that include a header; it is in all of them, and a fault in it seldom hides from so many
MOST_HINTS = 3
FIRST, REST = "first", "rest"
WORTH_A_PRELUDE = 4  # mutants of a file
PATIENCE = 15  # seconds for a run, unless the unchanged program takes so long that it needs more


class BrokenBaseline(Exception):
    """The unchanged code does not pass: a verdict on changed code would say nothing."""


@dataclass(frozen=True)
class Verdict:
    status: str  # noticed, survived, uncompiled
    how: str
    by: str
    seconds: float


class Judge:
    """For one worker, which has the folder `work` for itself."""

    def __init__(self, build, reach, trials, work, planned):
        self.build, self.reach, self.trials, self.work = build, reach, trials, work
        self.planned = planned  # mutants of each file
        self.limits = {}  # of runs that need more than patience
        self.hints = {}  # what noticed the last mutants of a unit
        self.confirmed = set()
        self.file = None
        shutil.rmtree(work, ignore_errors=True)
        (work / "unchanged").mkdir(parents=True)

    def runs_of(self, unit):
        """Nearest tests first."""
        out = []
        for step, suites in enumerate(self.reach.suites_of(unit)):
            runs = [run for run in self.trials.of(suites, on_cpu=unit.endswith(".cpp")) if links(run.program, unit)]
            out += runs if step == 0 else [run for run in runs if finds_most(run)]
        # This program goes through all orders of threads by itself, and no kernel knows when its stream runs.
        return [run for run in out if not (unit.endswith(".cu") and run.program == "test_emulated_ops" and "late" not in run.label)]

    def prelude(self, unit, file):
        if self.planned[file] < WORTH_A_PRELUDE:
            return self.build.short_prelude(self.work)
        return self.build.prelude(unit, self.reach.unchanged(unit, file), self.work)

    def judge(self, mutant):
        try:
            return self.first_verdict(mutant)
        except DoesNotLink:
            return Verdict("uncompiled", "", "linker", 0.0)

    def first_verdict(self, mutant):
        begun = time.monotonic()
        if self.file != mutant.file:
            shutil.rmtree(self.work / "prelude", ignore_errors=True)  # of the file before; they are large
            self.file = mutant.file
        text = mutant.applied((self.build.root / mutant.file).read_text())
        programs = {}
        for part in (FIRST, REST):  # of the runs: most mutants of a header show in the first run of one of its units
            for unit in self.reach.units_of(mutant.file)[:MOST_UNITS]:
                if part == FIRST:
                    compiled = self.build.compile(unit, self.work, self.prelude(unit, mutant.file), mutant.file, text)
                    if compiled is None:
                        return Verdict("uncompiled", "", unit, time.monotonic() - begun)
                    programs[unit] = Programs(self.build, unit, compiled, self.home_of(unit))
                outcome = self.first_notice(unit, programs[unit], part)
                if outcome.noticed:
                    return Verdict("noticed", outcome.noticed, outcome.by, time.monotonic() - begun)
        return Verdict("survived", "", "", time.monotonic() - begun)

    def home_of(self, unit):
        home = self.work / "programs" / unit.replace("/", "_")
        home.mkdir(parents=True, exist_ok=True)
        return home

    def first_notice(self, unit, programs, part):
        """The suites that noticed the last mutants go first."""
        hints = self.hints.setdefault(unit, [])
        for run in [*hints, *self.runs_of(unit)[:1]] if part == FIRST else self.runs_of(unit)[1:]:
            outcome = self.carry_out(run, programs)
            if outcome.noticed:
                hint = run.of_suite(outcome.by)
                self.confirm(unit, hint)
                hints[:] = [hint, *(other for other in hints if other != hint)][:MOST_HINTS]
                return outcome
        return Outcome("", "", 0.0)

    def carry_out(self, run, programs):
        limit = self.limits.get(run, PATIENCE)
        outcome = carry_out(run, programs.of(run.program), limit, self.work)
        if outcome.noticed == "hang" and run not in self.limits:
            self.limits[run] = max(limit, 10 + 8 * carry_out(run, self.trials.programs[run.program], 600, self.work).seconds)
            if self.limits[run] > limit:
                return self.carry_out(run, programs)
        return outcome

    def confirm(self, unit, run):
        """What noticed a mutant must pass on the unchanged unit, compiled in the same way."""
        if (unit, run) in self.confirmed:
            return
        work = self.work / "unchanged"
        compiled = self.build.compile(unit, work, self.prelude(unit, self.file))
        if compiled is None:
            raise BrokenBaseline(f"{unit}, unchanged, does not compile with -O{self.build.optimise}")
        outcome = carry_out(run, Programs(self.build, unit, compiled, work).of(run.program), 600, work)
        if outcome.noticed:
            raise BrokenBaseline(f"{unit}, unchanged: {outcome.noticed}: {outcome.by}")
        self.confirmed.add((unit, run))


def finds_most(run):
    """Of the tests that reach a file by way of others, one environment has to do: work as late as possible, on two ranks."""
    return run.program == "test_cuda_report" or ("late" in run.label and (not run.launcher or "2" in run.launcher))


def links(program, unit):
    """Whether a test program has a unit at all."""
    if unit.startswith("parallel/"):
        return program == "test_gpu_ranks"
    if program == "test_cuda_report":
        return unit.startswith("ops/core/cuda/report/") or unit == "ops/core/cuda/status.cpp"
    if program == "test_emulated":
        return unit.startswith("ops/core/")
    return program == "test_gpu" if unit.startswith("tests/gpu/") else True


class Programs:
    """Test programs with one object changed, linked when they are asked for."""

    def __init__(self, build, unit, compiled, work):
        self.build, self.unit, self.compiled, self.work = build, unit, compiled, work
        self.linked = {}

    def of(self, name):
        if name not in self.linked:
            self.linked[name] = self.build.link(name, self.unit, self.compiled, self.work)
        return self.linked[name]
