#!/usr/bin/env python3
"""Training steps of isobath beside PyTorch's (pip install torch), eager and compiled: the same dense GPT-2 block, AdamW, clipping, threads and machine, in turns.
Usage: training_pair.py ISOBATH [--models d384,gpt2-124m] [--dtypes f32,bf16] [--rounds 5] [--steps 4] [--threads 2]
Every round runs --steps of each contender. Prints the medians over rounds of tokens/s and of the ratio to isobath in the same round, and each process's peak
resident memory, whole and above what it held before the model."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass


@dataclass
class Shape:
    layers: int
    width: int
    heads: int
    context: int
    vocabulary: int
    batch: int


MODELS = {
    "d384": Shape(layers=6, width=384, heads=6, context=256, vocabulary=65, batch=12),
    "gpt2-124m": Shape(layers=12, width=768, heads=12, context=1024, vocabulary=50257, batch=1),
    "gpt2-350m": Shape(layers=24, width=1024, heads=16, context=1024, vocabulary=50257, batch=1),
}
WARMUP = 3


def resident_mib(field):
    with open("/proc/self/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith(field)).split()[1]) / 1024


def torch_worker(shape, dtype, compiled, threads):
    """Answers each line of input, a number of steps, with the seconds that they took, after the warm-up."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    before = resident_mib("VmRSS")

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm_attention, self.norm_ffn = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
            self.qkv, self.out = nn.Linear(shape.width, 3 * shape.width), nn.Linear(shape.width, shape.width)
            self.up, self.down = nn.Linear(shape.width, 4 * shape.width), nn.Linear(4 * shape.width, shape.width)

        def forward(self, x):
            q, k, v = (part.view(*part.shape[:2], shape.heads, -1).transpose(1, 2) for part in self.qkv(self.norm_attention(x)).chunk(3, dim=-1))
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(mixed.transpose(1, 2).reshape(x.shape))
            return x + self.down(F.gelu(self.up(self.norm_ffn(x)), approximate="tanh"))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.positions = nn.Embedding(shape.vocabulary, shape.width), nn.Embedding(shape.context, shape.width)
            self.blocks = nn.ModuleList(Block() for _ in range(shape.layers))
            self.norm = nn.LayerNorm(shape.width)

        def forward(self, tokens, targets):
            x = self.tokens(tokens) + self.positions(torch.arange(shape.context))
            for block in self.blocks:
                x = block(x)
            logits = F.linear(self.norm(x), self.tokens.weight)
            return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())

    model = Model()
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.02)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    loss_of = torch.compile(model) if compiled else model
    tokens = torch.randint(shape.vocabulary, (shape.batch, shape.context + 1))

    def step():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bf16"):
            loss = loss_of(tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    for _ in range(WARMUP):
        step()
    print(json.dumps({"version": torch.__version__, "parameters": sum(p.numel() for p in model.parameters())}), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        for _ in range(int(line)):
            step()
        seconds = time.perf_counter() - began
        peak = resident_mib("VmHWM")
        print(json.dumps({"seconds": seconds, "peak": peak, "above": peak - before}), flush=True)


class Torch:
    def __init__(self, shape, dtype, compiled, threads):
        self.name = "PyTorch compiled" if compiled else "PyTorch eager"
        arguments = json.dumps([asdict(shape), dtype, compiled, threads])
        self.process = subprocess.Popen([sys.executable, __file__, "--worker", arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended early: see above")
        return json.loads(line)

    def measure(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        said = self.answer()
        return said["seconds"] / steps, said["peak"], said["above"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Isobath:
    name = "isobath"

    def __init__(self, program, shape, dtype, threads):
        options = [f"--{key}={value}" for key, value in asdict(shape).items()]
        self.command = [program, "bench", "--dense-only", "--json", f"--dtype={dtype}", f"--threads={threads}", *options]
        self.idle = self.run([program, "--version"])[1]

    @staticmethod
    def run(command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {process.returncode}")
        return out, usage.ru_maxrss / 1024

    def measure(self, steps):
        out, peak = self.run([*self.command, f"--steps={steps}"])
        return json.loads(out)[0]["seconds"], peak, peak - self.idle

    def close(self):
        pass


def pair(program, model, dtype, rounds, steps, threads):
    shape = MODELS[model]
    contenders = [Isobath(program, shape, dtype, threads), Torch(shape, dtype, False, threads), Torch(shape, dtype, True, threads)]
    print(f"\n{model} {dtype}, {threads} threads, PyTorch {contenders[1].about['version']}, {contenders[1].about['parameters']} parameters")
    seconds, peaks = {c.name: [] for c in contenders}, {}
    for _ in range(rounds):
        for contender in contenders:
            taken, *peaks[contender.name] = contender.measure(steps)
            seconds[contender.name].append(taken)
        print("  " + "   ".join(f"{name} {1e3 * taken[-1]:.0f} ms" for name, taken in seconds.items()), flush=True)
    for name, taken in seconds.items():
        tokens = shape.batch * shape.context / statistics.median(taken)
        ratios = [theirs / ours for ours, theirs in zip(seconds["isobath"], taken)]
        print(f"{name:17} {tokens:8.0f} tokens/s   {statistics.median(ratios):5.2f} x isobath's time ({min(ratios):.2f} to {max(ratios):.2f})   "
              f"peak {peaks[name][0]:6.0f} MiB, {peaks[name][1]:6.0f} above an empty process", flush=True)
    for contender in contenders:
        contender.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--models", default="d384,gpt2-124m")
    parser.add_argument("--dtypes", default="f32,bf16")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    for model in options.models.split(","):
        for dtype in options.dtypes.split(","):
            pair(options.program, model, dtype, options.rounds, options.steps, options.threads)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        worker_shape, *rest = json.loads(sys.argv[2])
        torch_worker(Shape(**worker_shape), *rest)
    else:
        main()
