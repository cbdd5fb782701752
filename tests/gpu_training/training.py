#!/usr/bin/env python3
"""The unchanged program trains on CUDA devices as it trains on the CPU: dense, TSA and MoD, on 1, 2 and 4 ranks, replicated and with divided optimizer state, in f32
and in bf16; a run that was cut in two has the bits of one that was not, and so has one whose micro-batches are CUDA graphs. What was trained scores and writes on a device as on the CPU, bench measures there, and a crash
report says in which collective of NCCL a rank was.
Usage: training.py ISOBATH MPIEXEC [RANKS...]; by default 1, 2 and 4. Ends with 77 and the reason where there is no device, with 1 where a run failed or differs."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

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

    def repeats(self, ranks):
        """A run whose micro-batches are CUDA graphs has the bits of the one whose kernels are queued one by one."""
        policy = "depth.policy=mixture_of_depths"
        self.train(f"graphs-{ranks}", "cuda", ranks, policy, "system.cuda_graph=micro_batch")
        same = self.losses(f"graphs-{ranks}") == self.losses(f"mixture_of_depths-{ranks}-zero0-cuda")
        print(f"graphs of micro-batches on {ranks} ranks: {'the same bits' if same else 'OTHER BITS'}", flush=True)
        return same

    def scores(self, name, device, ranks):
        done = self.isobath("evaluate", f"runs/{name}", "--device", device, "--windows", "8", "--json", ranks=ranks)
        if done.returncode != 0:
            sys.exit(f"evaluate on {device}: {done.stderr}")
        return {rule["rule"]: rule for rule in json.loads(done.stdout)["rules"]}

    def answers(self, name, ranks):
        """The rules' scores and some words of a run, on the CPU and on the device."""
        words = [self.isobath("sample", f"runs/{name}", "--device", device, "--tokens", "12", "--temperature", "0") for device in ("cpu", "cuda")]
        good = words[0].returncode == 0 and words[0].stdout == words[1].stdout
        for over in (0, ranks):
            cpu, cuda = self.scores(name, "cpu", over), self.scores(name, "cuda", over)
            good = good and cpu.keys() == cuda.keys()
            for rule, score in cuda.items():
                off = abs(score["loss"] / cpu[rule]["loss"] - 1)
                # Whole numbers: with the same rows they are equal, and not with an estimate.
                executed = [of[rule]["forward_flops"]["executed"] for of in (cpu, cuda)]
                print(f"{name} {rule:15} on {max(1, over)} ranks: loss differs by {off:.1e}, executed FLOPs {executed[0]:.0f} and {executed[1]:.0f}", flush=True)
                good = good and off <= BOUNDS["f32"] and executed[0] == executed[1]
        return good

    def benches(self, ranks):
        small = "--layers 1 --width 32 --heads 2 --context 16 --vocabulary 19 --batch 4 --steps 2 --json --device cuda".split()
        rows = json.loads(self.isobath("bench", *small, "--by-op").stdout)
        good = all(row["host_waits"] == 1 and row["new_blocks"] == 0 and row["peak_flops"] > 0 for row in rows)
        ops = [op for row in rows for op in row["ops"]]
        good = good and all(op["share_of_limit"] > 0 for op in ops if op["limit"] != "none") and {"linear", "attention", "adamw"} <= {op["op"] for op in ops}
        repeated = json.loads(self.isobath("bench", *small, "--cuda-graph").stdout)
        good = good and all(row["cuda_graph"] == "micro_batch" and row["host_waits"] == 1 and row["new_blocks"] == 0 for row in repeated)
        over = json.loads(self.isobath("bench", *small, "--over-ranks", ranks=ranks).stdout)
        good = good and [row["bus_bandwidth"] > 0 for row in over] == [row["ranks"] > 1 for row in over]
        print(f"bench on {rows[0]['device']}: {'good' if good else 'BAD'}", flush=True)
        return good

    def crashes(self):
        """A rank that stands still: the other one's report names what NCCL carried then."""
        command = [self.mpiexec, "-n", "2", self.program, "train", "run.yaml", "name=late", "system.device=cuda", "train.steps=1000000", "watchdog.step=4", "checkpoint.every=0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as job:
            metrics = pathlib.Path("runs/late/metrics.jsonl")
            while job.poll() is None and not (metrics.exists() and metrics.read_text(encoding="utf-8").count("\n") > 3):
                time.sleep(0.05)
            ranks = [int(pid) for pid in pathlib.Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text(encoding="utf-8").split()]
            stopped = next(pid for pid in ranks if b"OMPI_COMM_WORLD_RANK=1\0" in pathlib.Path(f"/proc/{pid}/environ").read_bytes())
            os.kill(stopped, signal.SIGSTOP)
            job.communicate(timeout=60)
        crash = json.loads(pathlib.Path("runs/late/crash-0.json").read_text(encoding="utf-8"))
        good = job.returncode == 79 and crash["running"]["by"] == "nccl" and "over NCCL, called" in crash["message"]
        print(f"a rank stands still: {crash['message']}{'' if good else ' BAD'}", flush=True)
        return good


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
        good += [runs.repeats(ranks) for ranks in (1, 2) if ranks in wanted]
        if not sys.argv[3:]:
            good += [runs.answers(f"{policy}-2-zero0-cuda", 2) for policy in ("token_selective", "mixture_of_depths")]
            good += [runs.benches(2), runs.crashes()]
        if not runs.any_bit_differs:
            sys.exit("every loss has the CPU's bits: did anything run on the device?")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
