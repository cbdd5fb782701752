#!/usr/bin/env python3
"""Compiles every kernel with nvcc for sm_80, sm_90 and sm_100, spills and warnings being errors, and compares the registers, the shared memory and
the instructions for tensor cores (mma) of each with resources.tsv. Needs no GPU and no driver.
    compile.py SCRATCH_FOLDER [--update]
Only the device's side: the host's is what the emulated build compiles."""
import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("resources.tsv")
DEVICES = ("80", "90", "100")
HEAD = "file\tkernel\tthreads\tshared\tmma\t" + "\t".join(f"registers {device}" for device in DEVICES)


class Failed(Exception):
    pass


def find_nvcc():
    folders = [os.environ.get("CUDA_PATH", "") + "/bin", "/usr/local/cuda/bin"]
    return shutil.which("nvcc") or shutil.which("nvcc", path=os.pathsep.join(folders))


def product_flags():
    return re.search(r"set\(ISOBATH_NVCC_FLAGS\s+([^)]*)\)", (ROOT / "cmake/nvcc_flags.cmake").read_text())[1].split()


def output_of(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(" ".join(map(str, command)) + "\n" + done.stdout + done.stderr)
    return done.stdout + done.stderr


def readable(names):
    """"_ZN...": "normalise<8, f32, bf16>" for mangled names."""
    lines = subprocess.run(["c++filt"], input="\n".join(names), check=True, capture_output=True, text=True).stdout.splitlines()
    out = {}
    for mangled, name in zip(names, lines, strict=True):
        name = re.sub(r"\(anonymous namespace\)::|_GLOBAL__N__\w+::|isobath::|kernel::|cuda::|flash::|^void ", "", name)
        name = re.sub(r"\bbfloat16\b", "bf16", name)
        name = re.sub(r"\bfloat\b", "f32", name)
        name = re.sub(r"\((?:int|unsigned int)\)", "", name)
        out[mangled] = name.split("(")[0]
    return out


def launch_bounds(ptx):
    """Threads of a block by mangled name; 1024 where a kernel does not say."""
    out = {}
    for entry in re.finditer(r"\.entry (\w+)\([^)]*\)([^{]*)\{", ptx):
        sizes = re.search(r"\.maxntid ([\d, ]+)", entry[2])
        threads = 1
        for size in sizes[1].split(",") if sizes else ["1024"]:
            threads *= int(size)
        out[entry[1]] = threads
    return out


def tensor_products(ptx):
    """Instructions for tensor cores by mangled name."""
    return {part.split("(")[0].strip(): part.count("mma.sync") for part in ptx.split(".entry ")[1:]}


def resources(log):
    """{mangled name: (registers, bytes of static shared memory)} from what ptxas -v says."""
    out = {}
    for part in log.split("Compiling entry function '")[1:]:
        used = re.search(r"Used (\d+) registers", part)
        shared = re.search(r"(\d+) bytes smem", part)
        out[part.split("'")[0]] = (int(used[1]), int(shared[1]) if shared else 0)
    return out


def compile_for(device, nvcc, source, flags, scratch):
    """{readable name: (threads, instructions for tensor cores, registers, bytes of shared memory)}; mangled names differ between devices."""
    stem = scratch / f"{str(source.relative_to(ROOT)).replace('/', '-')}.{device}"
    ptx = stem.with_name(stem.name + ".ptx")
    of_ptxas = [flag for group in flags if group.startswith("-Xptxas=") for flag in group.split("=", 1)[1].split(",")]
    for_nvcc = [flag for flag in flags if not flag.startswith("-Xptxas=")]
    output_of([nvcc, "-std=c++20", "-O3", "-DNDEBUG", "-DISOBATH_HAS_CUDA", f"-I{ROOT}", *for_nvcc, f"-arch=compute_{device}", "-ptx", source, "-o", ptx])
    used = resources(output_of([Path(nvcc).with_name("ptxas"), f"-arch=sm_{device}", "-v", "--generate-line-info", *of_ptxas, ptx, "-o", stem]))
    threads, products = launch_bounds(ptx.read_text()), tensor_products(ptx.read_text())
    return {short: (threads[mangled], products[mangled], *used[mangled]) for mangled, short in readable(list(used)).items()}


def compile_one(nvcc, source, flags, scratch):
    """Lines of the table. Each device has PTX of its own, as in the build: what spills on one need not on another."""
    of_device = [compile_for(device, nvcc, source, flags, scratch) for device in DEVICES]
    lines = []
    for short, (threads, products, _, _) in of_device[0].items():
        found = [of[short] for of in of_device]
        shared = "/".join(map(str, sorted({size for _, _, _, size in found})))
        registers = "\t".join(str(count) for _, _, count, _ in found)
        lines.append(f"{source.relative_to(ROOT)}\t{short}\t{threads}\t{shared}\t{products}\t{registers}")
    return lines


def compile_all(nvcc, flags, scratch):
    sources = sorted([*ROOT.glob("ops/**/*_cuda.cu"), *ROOT.glob("tests/gpu/*_cuda.cu")], key=lambda path: -path.stat().st_size)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda source: compile_one(nvcc, source, flags, scratch), sources))
    return sorted(line for lines in found for line in lines if line.startswith("ops/"))


def compare(lines, release):
    """Whether resources.tsv holds these lines."""
    was, head, *before = TABLE.read_text().splitlines()
    if was != release:
        print(f"not compared: {TABLE.name} is of {was}, this is {release}")
        return True
    if head == HEAD and before == lines:
        return True
    for line in sorted(set(before) - set(lines)):
        print("- " + line)
    for line in sorted(set(lines) - set(before)):
        print("+ " + line)
    print(f"{TABLE} is not what nvcc says. If that is meant: tests/kernels/update.sh")
    return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--update", action="store_true", help="write resources.tsv")
    options = parser.parse_args()
    nvcc = find_nvcc()
    if not nvcc:
        print("skipped: nvcc is neither in PATH, CUDA_PATH nor /usr/local/cuda")
        return 0
    options.scratch.mkdir(parents=True, exist_ok=True)
    release = "nvcc " + re.search(r"V([\d.]+)", output_of([nvcc, "--version"]))[1]
    try:
        lines = compile_all(nvcc, product_flags(), options.scratch)
    except Failed as failure:
        print(failure)
        return 1
    print(f"{release}: {len(lines)} kernels for " + ", ".join("sm_" + device for device in DEVICES))
    if options.update:
        TABLE.write_text("\n".join([release, HEAD, *lines]) + "\n")
        return 0
    return 0 if compare(lines, release) else 1


if __name__ == "__main__":
    sys.exit(main())
