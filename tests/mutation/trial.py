"""Runs the tests that reach a changed file until one of them notices."""
import os
import re
import signal
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

PROGRAMS = ("test_cuda_report", "test_gpu", "test_emulated_ops", "test_emulated", "test_gpu_ranks")
OPTIONS = ["--gtest_fail_fast"]


@dataclass(frozen=True)
class Run:
    """Tests of one program in one environment."""

    program: str
    launcher: tuple  # mpirun and its arguments, or nothing
    environment: tuple
    tests: str  # a filter of GoogleTest; all tests if empty

    @property
    def label(self):
        values = [value for name, value in self.environment if name.startswith("ISOBATH_EMULATED")]
        return " ".join([self.program, *values, *self.launcher[1:]])

    def command(self, program):
        options = [] if self.launcher else OPTIONS  # where a rank stops early the others wait for it
        return [*self.launcher, str(program), *options, *([f"--gtest_filter={self.tests}"] if self.tests else [])]

    def of_suite(self, test):
        """Only the suite of a test; all of them where ranks run together."""
        suite = suite_of(test)
        chosen = [name for name in self.tests.split(":") if suite_of(name) == suite]
        return self if self.launcher or not chosen else replace(self, tests=":".join(chosen))


@dataclass(frozen=True)
class Outcome:
    noticed: str  # how, or nothing
    by: str
    seconds: float


class Trials:
    """The tests as ctest knows them, sorted by who notices most: work as late as possible first."""

    def __init__(self, tests):
        self.groups = defaultdict(list)
        self.programs = {}  # as they were built
        for test in tests:
            words = test.get("command", [])
            at = next((i for i, word in enumerate(words) if Path(word).name in PROGRAMS), None)
            if at is None:
                continue
            self.programs[Path(words[at]).name] = Path(words[at])
            environment = next((p["value"] for p in test.get("properties", []) if p["name"] == "ENVIRONMENT"), [])
            pairs = tuple(tuple(setting.split("=", 1)) for setting in environment)
            names = [word.split("=", 1)[1] for word in words[at + 1 :] if word.startswith("--gtest_filter=")]
            self.groups[Path(words[at]).name, tuple(words[:at]), pairs] += names

    def of(self, suites, on_cpu):
        """Runs of the tests of these suites; those on the device only unless `on_cpu`."""
        out = []
        for (program, launcher, environment), names in self.groups.items():
            chosen = [name for name in names if suite_of(name) in suites and (on_cpu or not name.endswith("/cpu"))]
            if chosen or (launcher and any(suite.startswith("Gpu") for suite in suites)):
                out.append(Run(program, launcher, environment, ":".join(chosen)))
        return sorted(out, key=lambda run: (PROGRAMS.index(run.program), "late" not in run.label, "4" in run.label, run.label))


def suite_of(name):
    before = name.split(".")[0].split("/")
    return before[0] if len(before) == 1 or before[1].isdigit() else before[1]


def last_words(output):
    """The test that failed first, or the one that was running."""
    failed = re.search(r"^\[  FAILED  \] ([\w./]+)", output, re.M)
    running = re.findall(r"^\[ RUN      \] ([\w./]+)", output, re.M)
    return failed[1] if failed else running[-1] if running else ""


def end(process):
    """A launcher ends its ranks when it is asked to, not when it is killed."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def carry_out(run, program, limit, home):
    environment = {**os.environ, **dict(run.environment)}
    begun = time.monotonic()
    with open(home / "output", "w+", errors="replace") as output:
        # The outer limit holds where this runner is killed in the middle.
        command = ["timeout", "--kill-after=5", f"{limit + 30:.0f}", *run.command(program)]
        process = subprocess.Popen(
            command, cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
            end(process)
        output.seek(0)
        said = output.read()
    seconds = time.monotonic() - begun
    by = f"{last_words(said)} ({run.label})"
    if code == 0:
        return Outcome("", "", seconds)
    return Outcome("hang" if code is None else "crash" if code < 0 or code > 128 else "failed", by, seconds)
