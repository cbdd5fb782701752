#!/usr/bin/env python3
"""Reads every kernel with clang 19, which knows CUDA by itself: what both front ends take is no accident of one. Device side, warnings being errors.
    front_end.py SCRATCH_FOLDER"""
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Headers that clang asks for and toolkits from 13 on do not have: texture and surface functions, which nobody uses here.
MISSING = ("texture_fetch_functions.h", "texture_indirect_functions.h", "surface_functions.h", "surface_indirect_functions.h")


def main():
    clang = shutil.which("clang++-19")
    nvcc = shutil.which("nvcc") or shutil.which("nvcc", path=os.environ.get("CUDA_PATH", "/usr/local/cuda") + "/bin")
    if not clang or not nvcc:
        print("skipped: " + ("clang++-19" if not clang else "the CUDA toolkit") + " is not installed")
        return 0
    stand_ins = Path(sys.argv[1])
    stand_ins.mkdir(parents=True, exist_ok=True)
    for header in MISSING:
        (stand_ins / header).touch()
    flags = ["-std=c++20", "-x", "cuda", f"--cuda-path={Path(nvcc).parents[1]}", "--cuda-gpu-arch=sm_80", "--cuda-device-only", "-fsyntax-only"]
    flags += ["-DISOBATH_HAS_CUDA", f"-I{ROOT}", f"-I{stand_ins}", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-cuda-version", "-Wno-unknown-attributes"]

    def read(source):
        return subprocess.run([clang, *flags, source], capture_output=True, text=True)

    sources = sorted([*ROOT.glob("ops/**/*_cuda.cu"), *ROOT.glob("tests/gpu/*_cuda.cu")])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(read, sources))
    print("".join(result.stderr for result in results) + f"{len(sources)} files")
    return int(any(result.returncode for result in results))


if __name__ == "__main__":
    sys.exit(main())
