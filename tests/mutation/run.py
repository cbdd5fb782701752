#!/usr/bin/env python3
"""Plants one fault at a time in the kernels, the stream code and the NCCL communicator, and reports which of them the tests notice on the emulated
device. README.md says more.
Usage: run.py [--build FOLDER] [--only PATH]... [--operators NAMES] [--sample N [--seed S]] [--list | --report] [--survivors | --resume] [--minutes M] [-j N]
Ends with 1 where less than 90 % is noticed and a survivor is not in equivalents.txt, with 2 where the unchanged code does not pass."""
import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

sys.dont_write_bytecode = True
import equivalents  # noqa: E402
import report  # noqa: E402
from build import Build  # noqa: E402
from judge import BrokenBaseline, Judge  # noqa: E402
from operators import mutants_of  # noqa: E402
from reach import Reach, is_ours  # noqa: E402
from trial import PROGRAMS, Trials  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
WANTED = 90.0  # per cent
IDENTITY = ("file", "operator", "before", "after", "occurrence")
# What calls cuDNN is in no emulated build.
SOURCES = ["ops/*.cu", "ops/*.cuh", "ops/core/cuda/*", "ops/core/allocator.cpp", "parallel/nccl_*", ":!ops/core/cuda/cudnn_*"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build/cuda-emulated", help="an emulated build; it is brought up to date")
    parser.add_argument("--only", action="append", default=[], help="files whose path begins with this")
    parser.add_argument("--operators", default="", help="these, with commas between them")
    parser.add_argument("--sample", type=int, help="as many mutants, drawn by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="the mutants' names and lines, and nothing else")
    parser.add_argument("--report", action="store_true", help="tables of the verdicts so far; nothing is run")
    parser.add_argument("--survivors", action="store_true", help="those that survived the last time")
    parser.add_argument("--resume", action="store_true", help="those that have no verdict yet")
    parser.add_argument("--minutes", type=float, help="begin no further mutant after so many minutes")
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("-O", "--optimise", default="1", help="level for the changed file")
    return parser.parse_args()


def sources():
    names = subprocess.run(["git", "ls-files", *SOURCES], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    return sorted(set(names))


def chosen(wanted, verdicts):
    out = []
    for file in sources():
        if not wanted.only or any(file.startswith(prefix) for prefix in wanted.only):
            out += mutants_of(file, (ROOT / file).read_text())
    if wanted.operators:
        out = [mutant for mutant in out if mutant.operator in wanted.operators.split(",")]
    if wanted.survivors:
        out = [mutant for mutant in out if verdicts.get(mutant.identity, {}).get("status") == "survived"]
    if wanted.resume:
        out = [mutant for mutant in out if mutant.identity not in verdicts]
    if wanted.sample is not None and wanted.sample < len(out):
        out = random.Random(wanted.seed).sample(out, wanted.sample)
        if wanted.minutes is None:  # otherwise the order stays random, so that what is cut off is a sample, too
            out.sort(key=lambda mutant: (mutant.file, mutant.begin))
    return out


class Record:
    """Verdicts on the disk, one a line as they come: what a cut run found is not lost."""

    def __init__(self, path):
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.results = {self.identity(result): result for result in map(json.loads, lines)}

    @staticmethod
    def identity(result):
        return tuple(result[key] for key in IDENTITY)

    def add(self, mutant, verdict):
        result = {key: getattr(mutant, key) for key in ("name", *IDENTITY)}
        result |= {"status": verdict.status, "how": verdict.how, "by": verdict.by, "seconds": round(verdict.seconds, 2)}
        self.results[mutant.identity] = result
        with open(self.path, "a") as out:
            out.write(json.dumps(result) + "\n")
        return result


def as_equivalent(mutant):
    return {"name": mutant.name, "file": mutant.file, "operator": mutant.operator, "status": "equivalent", "how": "listed", "by": ""}


def verdicts_so_far(mutants, record):
    """Under the names that the mutants have now."""
    known = equivalents.listed()
    for mutant in mutants:
        if mutant.identity in known:
            yield as_equivalent(mutant)
        elif mutant.identity in record.results:
            yield record.results[mutant.identity] | {"name": mutant.name}


def run_all(mutants, wanted, scratch, record):
    build = Build(ROOT, wanted.build.resolve(), scratch, wanted.optimise)
    build.bring_up_to_date(PROGRAMS, wanted.jobs)
    reach, trials = Reach(ROOT, [unit for unit in build.commands if is_ours(unit)]), Trials(build.tests())
    known = equivalents.listed()
    end = time.monotonic() + 60 * wanted.minutes if wanted.minutes else None
    judges = Queue()
    for number in range(wanted.jobs):
        judges.put(Judge(build, reach, trials, scratch / f"worker{number}", Counter(mutant.file for mutant in mutants)))

    def one(mutant):
        if mutant.identity in known:
            return as_equivalent(mutant)
        if end is not None and time.monotonic() > end:
            return None
        judge = judges.get()
        try:
            return record.add(mutant, judge.judge(mutant))
        finally:
            judges.put(judge)

    results = []
    pool = ThreadPoolExecutor(wanted.jobs)
    try:
        for result in filter(None, pool.map(one, mutants)):
            results.append(result)
            print(f"{len(results):5} {result['status']:10} {result['how']:7} {result['name']}  {result['by']}", flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    return results


def main():
    wanted = arguments()
    scratch = ROOT / "build/mutation"
    scratch.mkdir(parents=True, exist_ok=True)
    record = Record(scratch / "results.jsonl")
    mutants = chosen(wanted, record.results)
    if wanted.list:
        for mutant in mutants:
            print(f"{mutant.name}\n    - {mutant.before}\n    + {mutant.after}")
        return 0
    try:
        results = list(verdicts_so_far(mutants, record)) if wanted.report else run_all(mutants, wanted, scratch, record)
    except BrokenBaseline as error:
        print(error, file=sys.stderr)
        return 2
    (scratch / "report.md").write_text(report.written(results) + "\n")
    print(f"\n{report.written(results)}\n\n{len(results)} of {len(mutants)} chosen mutants; the score is {report.score(report.total(results)):.1f} %")
    return 0 if report.score(report.total(results)) >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
