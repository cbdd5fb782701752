#!/usr/bin/env python3
"""What the program of a build by nvcc has to be, as far as a machine without a GPU can tell: linked with the shared CUDA runtime and never with
the driver; machine code for sm_80, sm_90 and sm_100 with line numbers, and readable PTX of compute_90; where no GPU answers, trains on the CPU and
says with code 69 why system.device: cuda cannot be had.
Usage: program.py ISOBATH. Ends with 1 and what was found otherwise."""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

MACHINE_CODE = {80, 90, 100}
CONTAINER_MAGIC = 0xBA55ED50  # of a fat binary: header of 16 bytes, then entries
PTX, MACHINE = 1, 2  # kinds of entries
CONFIG = """\
model: {layers: 2, width: 32, heads: 2, context: 16}
data: {path: data, validation_fraction: 0.1, validation_block: 128}
train: {steps: 3, batch: 2}
system: {threads: 1}
"""

failures = []


def expect(holds, what):
    print(f"{'ok' if holds else 'FAILED'}: {what}")
    if not holds:
        failures.append(what)


def readelf(*arguments):
    return subprocess.run(["readelf", "--wide", *arguments], check=True, capture_output=True, text=True).stdout


def section(program, name):
    """The bytes of a section of an ELF file."""
    for line in readelf("-S", program).splitlines():
        found = re.match(rf"\s*\[\s*\d+\]\s+{re.escape(name)}\s+\S+\s+\S+\s+([0-9a-f]+)\s+([0-9a-f]+)", line)
        if found:
            with open(program, "rb") as file:
                file.seek(int(found[1], 16))
                return file.read(int(found[2], 16))
    return b""


def device_code(fat):
    """(kind, architecture, payload) of every entry of the containers in a section."""
    at = 0
    while at + 16 <= len(fat):
        magic, _, header, size = struct.unpack_from("<IHHQ", fat, at)
        if magic != CONTAINER_MAGIC:  # padding between containers
            at += 8
            continue
        entry, end = at + header, at + header + size
        while entry + 64 <= end:
            kind, _, entry_header, payload = struct.unpack_from("<HHIQ", fat, entry)
            architecture = struct.unpack_from("<I", fat, entry + 28)[0]
            yield kind, architecture, fat[entry + entry_header : entry + entry_header + payload]
            entry += entry_header + payload
        at = end


def check_links(program):
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("-d", program))
    expect(any(name.startswith("libcudart.so") for name in needed), f"the CUDA runtime is a shared library: {needed}")
    expect(not any(re.match(r"libcuda\.so|libnvidia", name) for name in needed), "no library of the driver is needed to start")


def check_device_code(program):
    entries = list(device_code(section(program, ".nv_fatbin")))
    cubins = [(arch, payload) for kind, arch, payload in entries if kind == MACHINE]
    texts = [(arch, payload) for kind, arch, payload in entries if kind == PTX]
    expect({arch for arch, _ in cubins} == MACHINE_CODE, f"machine code for sm_80, sm_90, sm_100: {sorted({arch for arch, _ in cubins})}")
    expect(all(payload[:4] == b"\x7fELF" for _, payload in cubins), f"{len(cubins)} pieces of machine code are not compressed")
    with_kernels = [payload for _, payload in cubins if b".text." in payload]
    expect(bool(with_kernels) and all(b"debug_line" in payload for payload in with_kernels), f"{len(with_kernels)} of them have kernels, all with line numbers")
    expect({arch for arch, _ in texts} == {90}, f"PTX of compute_90: {sorted({arch for arch, _ in texts})}")
    expect(bool(texts) and all(b".target sm_90" in payload for _, payload in texts), f"{len(texts)} pieces of PTX can be read as they are")
    kernels = sum(payload.count(b".entry ") for _, payload in texts)
    expect(kernels > 50, f"{kernels} kernels in PTX")


def check_runs(program):
    def isobath(*arguments):
        return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, check=False)

    doctor = isobath("doctor", "--json")
    expect(doctor.returncode == 0, f"doctor ends with 0, not {doctor.returncode} {doctor.stderr}")
    found = {line["what"]: line["found"] for line in json.loads(doctor.stdout or "[]")}
    for what in ("CUDA devices", "CUDA driver", "CUDA runtime", "NCCL", "cuDNN"):
        print(f"    {what}: {found.get(what)}")
        expect(bool(found.get(what)), f"doctor speaks of {what}")
    expect(re.fullmatch(r"\d+\.\d+", found.get("CUDA runtime", "")) is not None, "doctor knows the version of the CUDA runtime")
    expect(re.fullmatch(r"\d+\.\d+\.\d+", found.get("NCCL", "")) is not None, "doctor knows the version of NCCL")

    with open("text.txt", "w", encoding="utf-8") as file:
        file.write("the quick brown fox jumps over a lazy dog\n" * 200)
    with open("run.yaml", "w", encoding="utf-8") as file:
        file.write(CONFIG)
    prepared = isobath("prepare", "text.txt", "--output", "data", "--tokenizer", "characters")
    expect(prepared.returncode == 0, f"prepare ends with 0: {prepared.stderr}")
    trained = isobath("train", "run.yaml", "name=on-cpu")
    expect(trained.returncode == 0, f"trains on the CPU: {trained.stderr[-400:] if trained.returncode else 'three steps'}")
    if found.get("CUDA devices", "").isdigit():
        print("a GPU answers: that its absence is said clearly was not looked at")
        return
    refused = isobath("train", "run.yaml", "name=on-gpu", "system.device=cuda")
    said = [line for line in refused.stderr.splitlines() if "system.device" in line]
    expect(refused.returncode == 69 and len(said) == 1, f"system.device: cuda is refused with 69: {refused.returncode}, {refused.stderr.strip()}")


def main():
    program = os.path.abspath(sys.argv[1])
    check_links(program)
    check_device_code(program)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        check_runs(program)
        os.chdir("/")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
