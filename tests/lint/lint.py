#!/usr/bin/env python3
"""House rules that a program can check: who includes whom, which third-party header is allowed where, file length, format, headers that
compile alone. Usage: lint.py [--headers BUILD_FOLDER]; prints one line per finding and ends with 1 if there is any."""
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = (".cpp", ".hpp", ".cu", ".cuh")
MAX_LINES = 400
LONG_LINE = 150

# folder prefix -> prefixes it may include; the longest matching prefix counts
LAYERS = {
    "configs/schema": ["configs/schema"],
    "configs/yaml": ["configs/yaml", "configs/schema"],
    "ops/core": ["ops/core", "configs/schema"],
    "ops/tensor": ["ops/tensor", "ops/core", "configs/schema"],
    "ops/autograd": ["ops/autograd", "ops/tensor", "ops/core", "configs/schema"],
    "ops": ["ops", "configs/schema"],
    "parallel": ["parallel", "ops/core", "ops/tensor", "ops/autograd", "configs/schema"],
    "data": ["data", "ops/core", "ops/tensor", "configs/schema"],
    "trainer": ["trainer", "ops", "parallel", "data", "configs"],
    "trainer/model": ["trainer/model", "trainer/layers", "trainer/routing", "ops", "configs/schema"],
    "trainer/layers": ["trainer/layers", "ops", "configs/schema"],
    "trainer/routing": ["trainer/routing", "trainer/layers", "ops", "configs/schema"],
    "cluster": ["cluster", "configs/schema", "ops/core"],
    "launcher": ["launcher", "trainer", "ops", "parallel", "data", "configs", "cluster"],
    "tests": [""],
}

# header pattern -> patterns of files that may include it
FENCES = [
    (r"^(cuda|cublas|cudnn)[\w/.-]*", [r"^ops/core/cuda/", r"_cuda\.", r"/cudnn_", r"^parallel/nccl_", r"^tests/(emulated|gpu|cudnn)/"]),
    (r"^dnnl[\w/.]*", [r"^ops/core/cpu/", r"_cpu\.cpp$", r"^tests/"]),
    (r"^mpi\.h$", [r"^parallel/(mpi/|mpi_|nccl_)", r"^launcher/session\.cpp$", r"^tests/parallel/"]),
    (r"^nccl\.h$", [r"^parallel/nccl_", r"^tests/emulated/"]),
    (r"^(hdf5|H5\w+)\.h$", [r"^trainer/checkpoint/([\w]+/)?hdf5_", r"^tests/checkpoint/"]),
    (r"^sentencepiece_\w+\.h$", [r"^data/sentencepiece/sentencepiece\.cpp$"]),
    (r"^pcre2\.h$", [r"^data/bpe/pcre2_"]),
    (r"^yaml-cpp/", [r"^configs/yaml/"]),
    (r"^nlohmann/", [r"^ops/core/files/json\.hpp$"]),
    (r"^(ops/core/files/json\.hpp$|spdlog/|CLI/)", [r"\.cpp$"]),
]
STANDARD_ONLY = "configs/schema"
# Calls in which the host waits for a device: where they are counted, and nowhere else.
WAITS = r"\bcuda(Stream|Event|Device)Synchronize\(|\bcudaMemcpy\("
MAY_WAIT = r"^(ops/core/cuda/(stream|memory)\.cpp$|tests/)"


def tracked():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [name for name in out.stdout.splitlines() if name.endswith(CODE) and (ROOT / name).exists()]


def layer_of(name):
    matching = [prefix for prefix in LAYERS if name.startswith(prefix + "/")]
    return max(matching, key=len) if matching else None


def check_includes(name, lines):
    layer = layer_of(name)
    if layer is None:
        yield f"{name}: lies in no folder of the architecture"
        return
    for number, line in enumerate(lines, 1):
        own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        foreign = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
        if own and layer != "tests" and not any(own[1].startswith(p + "/") for p in LAYERS[layer]):
            yield f"{name}:{number}: {layer} may not include {own[1]}"
        if own and "/" not in own[1]:
            yield f'{name}:{number}: include from the root, not "{own[1]}"'
        if foreign:
            for pattern, allowed in FENCES:
                if re.match(pattern, foreign[1]) and not any(re.search(a, name) for a in allowed):
                    yield f"{name}:{number}: <{foreign[1]}> is fenced"
            if name.startswith(STANDARD_ONLY) and ("." in foreign[1] or "/" in foreign[1]):
                yield f"{name}:{number}: {STANDARD_ONLY} uses the standard library only, not <{foreign[1]}>"


def check_text(name, lines):
    if len(lines) > MAX_LINES:
        yield f"{name}: {len(lines)} lines, at most {MAX_LINES}"
    for number, line in enumerate(lines, 1):
        if len(line) > LONG_LINE:
            yield f"{name}:{number}: {len(line)} columns"
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            yield f"{name}:{number}: unfinished mark"
        if re.search(WAITS, line) and not re.search(MAY_WAIT, name):
            yield f"{name}:{number}: waits for a device past ops/core/host_waits.hpp"
    if name.endswith((".hpp", ".cuh")) and "#pragma once" not in lines[:3]:
        yield f"{name}: #pragma once is missing"


def check_format(names):
    if subprocess.run(["which", "clang-format"], capture_output=True).returncode != 0:
        print("skipped: format (clang-format is not installed)")
        return
    out = subprocess.run(["clang-format", "--dry-run", "-Werror", *names], cwd=ROOT, capture_output=True, text=True)
    for line in out.stderr.splitlines():
        if "error:" in line:
            yield line.strip()


def first_include(source):
    found = re.search(r'^#include ["<](.*)[">]', Path(source).read_text(), re.MULTILINE)
    return found and found[1]


def check_headers(names, build):
    """Every header compiles as the only content of a file, with the flags of the build, which has been built: what a source without precompiled headers includes
    first has shown it already."""
    commands = json.loads((Path(build) / "compile_commands.json").read_text())
    shown = {first_include(c["file"]) for c in commands if " -include " not in c["command"]}
    # A batch of sources includes them.
    sources = {c["file"] if c["file"].endswith(".cpp") else first_include(c["file"]): c for c in commands if c["file"].endswith((".cpp", ".cxx"))}
    of_folder = {str(Path(source).parent): shlex.split(c["command"]) for source, c in sources.items() if source}
    anywhere = next(flags for folder, flags in of_folder.items() if folder.endswith("/trainer"))

    def flags_for(name):
        flags = of_folder.get(str((ROOT / name).parent), anywhere)
        keep = [f for f in flags if f.startswith(("-std", "-I", "-D", "-fopenmp", "-march"))]
        return keep + [word for i, f in enumerate(flags) if f == "-isystem" for word in flags[i : i + 2]]

    def compile_one(name):
        keep = flags_for(name)
        done = subprocess.run(["g++", *keep, "-I", str(ROOT / "tests"), "-fsyntax-only", "-x", "c++", "-include", str(ROOT / name), "/dev/null"], capture_output=True, text=True)
        return f"{name}: does not compile alone: {done.stderr.splitlines()[0] if done.stderr else ''}" if done.returncode else None

    headers = [n for n in names if n.endswith(".hpp") and n not in shown and not n.startswith(("ops/core/cuda/", "tests/emulated/"))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(compile_one, headers))


def main():
    names = tracked()
    findings = []
    for name in names:
        lines = (ROOT / name).read_text().splitlines()
        findings += check_includes(name, lines)
        findings += check_text(name, lines)
    findings += check_format(names)
    if "--headers" in sys.argv:
        findings += check_headers(names, sys.argv[sys.argv.index("--headers") + 1])
    print("\n".join(findings))
    print(f"lint: {len(names)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
