#!/usr/bin/env python3
"""The unchanged program trains on CUDA devices as it trains on the CPU: dense, TSA and MoD, on 1, 2 and 4 ranks, replicated and with divided optimizer state, in f32
and in bf16; and a run that was cut in two has the bits of one that was not.
Usage: training.py ISOBATH MPIEXEC [RANKS...]; by default 1, 2 and 4. Ends with 77 and the reason where there is no device, with 1 where a run failed or differs."""
import json
import os
import subprocess
import sys
import tempfile

CONFIG = """\
model: {layers: 2, width: 64, heads: 2, context: 32, dropout: 0.1}
depth: {mixture_of_depths: {capacity: 0.5}}
data: {path: data, validation_fraction: 0.1, validation_block: 256}
train: {steps: 6, batch: 4}
optim: {decay_steps: 6}
checkpoint: {every: 3}
system: {threads: 1}
"""
# Losses of six steps in f32: sums are taken in another order, and an update divides by gradients near zero; up to 4e-8 was seen. In bf16 operands are
# rounded to 8 bits, and a sum that falls to the other side moves one by 2^-9; up to 3e-5 was seen.
BOUNDS = {"f32": 1e-5, "bf16": 1e-3}


class Runs:
    def __init__(self, program, mpiexec):
        self.program, self.mpiexec = program, mpiexec
        self.any_bit_differs = False  # sums in another order must show somewhere, or nothing ran on the device

    def isobath(self, *arguments, ranks=0):
        launcher = [self.mpiexec, "-n", str(ranks)] if ranks else []
        return subprocess.run([*launcher, self.program, *arguments], capture_output=True, text=True, timeout=300, check=False)

    def train(self, name, device, ranks, *changes):
        done = self.isobath("train", "run.yaml", f"name={name}", f"system.device={device}", *changes, ranks=ranks)
        if done.returncode != 0:
            sys.exit(f"{name} ended with {done.returncode}:\n{done.stderr}")

    @staticmethod
    def losses(name):
        with open(f"runs/{name}/metrics.jsonl", encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        return [(f"{line['kind']} {line['step']}", line["loss"]) for line in lines if "loss" in line]

    def compare(self, label, ranks, dtype, *changes):
        self.train(f"{label}-cpu", "cpu", ranks, *changes)
        self.train(f"{label}-cuda", "cuda", ranks, *changes)
        cpu, cuda = self.losses(f"{label}-cpu"), self.losses(f"{label}-cuda")
        if len(cpu) < 7 or [step for step, _ in cpu] != [step for step, _ in cuda]:
            sys.exit(f"{label}: other steps on the device: {cpu} and {cuda}")
        worst = max(abs(a / b - 1) for (_, a), (_, b) in zip(cuda, cpu))
        self.any_bit_differs = self.any_bit_differs or worst > 0
        print(f"{label:40} losses differ by {worst:.1e} at most", flush=True)
        return worst <= BOUNDS[dtype]

    def resumes(self, ranks):
        changes = ["depth.policy=mixture_of_depths", "parallel.zero=1"]
        self.train(f"whole-{ranks}", "cuda", ranks, *changes)
        self.train(f"cut-{ranks}", "cuda", ranks, *changes, "train.steps=3")
        self.train(f"cut-{ranks}", "cuda", ranks, *changes)
        steps = [dict(self.losses(f"{name}-{ranks}")) for name in ("whole", "cut")]
        same = all(steps[1][step] == loss for step, loss in steps[0].items())
        print(f"resumed on {ranks} ranks: {'the same bits' if same else 'OTHER BITS'}", flush=True)
        return same


def main():
    runs = Runs(os.path.abspath(sys.argv[1]), sys.argv[2])
    wanted = [int(ranks) for ranks in sys.argv[3:]] or [1, 2, 4]
    with tempfile.TemporaryDirectory(prefix="isobath-test-") as folder:
        os.chdir(folder)
        words = "the line of equal depth runs along the shelf and turns where the water is deep".split()
        with open("text.txt", "w", encoding="utf-8") as text:
            text.write("\n".join(" ".join(words[(i * i + 3 * k) % len(words)] for k in range(9)) for i in range(600)))
        with open("run.yaml", "w", encoding="utf-8") as config:
            config.write(CONFIG)
        prepared = runs.isobath("prepare", "text.txt", "--tokenizer", "characters", "--output", "data")
        if prepared.returncode != 0:
            sys.exit(prepared.stderr)
        trial = runs.isobath("train", "run.yaml", "name=trial", "system.device=cuda", "train.steps=1")
        if trial.returncode == 69:
            print(f"skipped: {trial.stderr.strip()}")
            return 77
        good = [runs.compare(f"{policy}-{ranks}-zero{zero}", ranks, "f32", f"depth.policy={policy}", f"parallel.zero={zero}")
                for policy in ("dense", "token_selective", "mixture_of_depths") for ranks, zero in ((1, 0), (2, 0), (2, 1), (4, 2)) if ranks in wanted]
        good += [runs.compare(f"modern-bf16-{ranks}", ranks, "bf16", "model.family=modern", "model.kv_heads=1", "system.dtype=bf16", "train.recompute=block")
                 for ranks in (1, 2) if ranks in wanted]
        good += [runs.resumes(ranks) for ranks in (1, 2) if ranks in wanted]
        if not runs.any_bit_differs:
            sys.exit("every loss has the CPU's bits: did anything run on the device?")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
