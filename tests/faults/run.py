#!/usr/bin/env python3
"""The fault matrix: breaks a real training run under mpirun in every way that cases.py lists, resumes it with the same
command, and compares what comes out with a run that nothing happened to.

    tests/faults/run.py --program build/cpu-release/isobath --io-faults build/cpu-release/tests/faults/libisobath_io_faults.so [--full]

Ends with 1 when a fault lost anything. --full adds more worlds, 20 kills at random moments and changing worlds; --table
prints the rows of docs/reliability.md."""

import argparse
import concurrent.futures
import os
import pathlib
import sys
import tempfile
import time
import traceback

import cases
from workplace import Workplace


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--mpiexec", default="mpirun")
    parser.add_argument("--io-faults", type=pathlib.Path, help="the library that lets system calls fail")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", default="", help="run the cases whose name contains this")
    parser.add_argument("--table", action="store_true", help="print the results as Markdown")
    parser.add_argument("--keep", type=pathlib.Path, help="work in this folder and leave it")
    return parser.parse_args()


def attempt(case, place):
    begun = time.monotonic()
    try:
        return case, case.run(place), None, time.monotonic() - begun
    except cases.NotPossible as reason:
        return case, "skipped: " + str(reason), None, time.monotonic() - begun
    except Exception as error:  # every failure is a row of the table
        detail = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
        return case, "LOST", detail, time.monotonic() - begun


def report(results, as_table):
    lost = [result for result in results if result[2] is not None]
    skipped = [result for result in results if result[1].startswith("skipped")]
    if as_table:
        print("\n| fault | what the run said | after resuming |\n|---|---|---|")
        for case, outcome, error, _ in results:
            print(f"| {case.name} | {outcome} | {'**lost**' if error else 'as if nothing had happened'} |")
    print(f"\nfaults tried {len(results) - len(skipped)}, survived {len(results) - len(skipped) - len(lost)}, lost {len(lost)}"
          f", skipped {len(skipped)}")
    return 1 if lost else 0


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="isobath-faults-") as temporary:
        place = Workplace(options, options.keep or pathlib.Path(temporary))
        chosen = [case for case in cases.all_cases(options.full) if options.only in case.name]
        results = []
        # Two at a time: most of a case is waiting for processes to start and end.
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
            for result in pool.map(lambda case: attempt(case, place), chosen):
                case, outcome, error, seconds = result
                print(f"{'LOST' if error else 'ok':5} {seconds:5.1f} s  {case.name}: {error or outcome}", flush=True)
                results.append(result)
    return report(results, options.table)


if __name__ == "__main__":
    sys.exit(main())
