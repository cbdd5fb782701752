#!/usr/bin/env python3
"""Writes the tables of docs/kernels.md from traffic.tsv and resources.tsv; with --check says whether they are what it would write."""
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "kernels.md"
BEGIN, END = "<!-- tables: tests/kernels/document.py -->", "<!-- end of tables -->"

# Bytes, f32 operations and bf16 operations of tensor cores a second: the data sheets of the A100 80GB SXM and the H100 SXM.
ROOFS = {"A100": (2.039e12, 19.5e12, 312e12), "H100": (3.35e12, 67e12, 989.4e12)}
# Multiprocessors. One reads 128 bytes of shared memory a clock; the right factor of a product of 4096 operations by a warp is 256 bytes. The clock follows
# from the peak: tensor cores of a multiprocessor do 2048 (A100) and 4096 (H100) operations in one.
OPERATIONS_A_CLOCK = {"A100": 2048, "H100": 4096}
OPERATIONS_READ_A_CLOCK = 4096 / (256 / 128)

# CUDA programming guide, "Technical Specifications per Compute Capability": of a multiprocessor.
WARPS, BLOCKS, REGISTERS, REGISTERS_AT_ONCE = 64, 32, 65536, 256
SHARED = {"80": 164 * 1024, "90": 228 * 1024, "100": 228 * 1024}
SHARED_OF_THE_SYSTEM = 1024  # of each block


def read(name):
    lines = (HERE / name).read_text().splitlines()
    head = next(index for index, line in enumerate(lines) if "\t" in line)
    return [dict(zip(lines[head].split("\t"), line.split("\t"), strict=True)) for line in lines[head + 1 :]]


def occupancy(device, threads, registers, shared):
    """Share of a multiprocessor's warps that blocks can fill."""
    warps = -(-threads // 32)
    per_warp = -(-registers * 32 // REGISTERS_AT_ONCE) * REGISTERS_AT_ONCE
    by_registers = REGISTERS // per_warp // warps
    by_shared = SHARED[device] // (shared + SHARED_OF_THE_SYSTEM)
    return min(WARPS // warps, BLOCKS, by_registers, by_shared) * warps / WARPS


def on_tensor_cores(row, resources):
    return any(int(entry_of(resources, file, kernel)["mma"]) > 0 for file, kernel, _, _ in launches(row))


def peak_of(device, tensor_cores):
    _, f32, tensor = ROOFS[device]
    return tensor * min(1, OPERATIONS_READ_A_CLOCK / OPERATIONS_A_CLOCK[device]) if tensor_cores else f32


def roofline(row, device, tensor_cores):
    bandwidth, peak = ROOFS[device][0], peak_of(device, tensor_cores)
    by_bytes, by_flops = float(row["least bytes"]) * float(row["memory"]) / bandwidth, float(row["flops"]) / peak
    micros = 1e6 * max(by_bytes, by_flops)
    return (f"{micros:.1f}" if micros >= 0.1 else "< 0.1") + ("" if by_bytes >= by_flops else " †" if tensor_cores else " *")


def traffic_table(rows, resources):
    out = ["| op | type | least, MB | asked | fetched | memory | A100, µs | H100, µs |", "|---|---|---:|---:|---:|---:|---:|---:|"]
    for row in rows:
        times = " | ".join(roofline(row, device, on_tensor_cores(row, resources)) for device in ROOFS)
        out.append(f"| {row['op']} | {row['type']} | {float(row['least bytes']) / 1e6:.2f} | {row['asked']} | {row['fetched']} | {row['memory']} | {times} |")
    reasons = {}
    for row in rows:
        if row["why"]:
            reasons.setdefault(row["op"], row["why"])
    return out + ["", "Above 1.15:", ""] + [f"- {op}: {why}." for op, why in reasons.items()]


def launches(row):
    """(file, kernel, threads, dynamic bytes) of each."""
    for launch in row["kernels"].split("; "):
        file, kernel, threads, dynamic = re.fullmatch(r"([^:]*):(.*) (\d+) (\d+)", launch).groups()
        yield file, kernel, int(threads), int(dynamic)


def launched(rows):
    """{(file, kernel, threads, dynamic bytes): ops}"""
    out = {}
    for row in rows:
        for launch in launches(row):
            ops = out.setdefault(launch, [])
            if row["op"] not in ops:
                ops.append(row["op"])
    return out


def entry_of(resources, file, kernel):
    found = [entry for entry in resources if entry["kernel"] == kernel and entry["file"].endswith("/" + file if file else "")]
    if not found:
        sys.exit(f"{kernel} of {file or 'any file'} is not in resources.tsv")
    return found[0]


def resource_table(rows, resources):
    out = ["| kernel | of | threads | registers, sm_80 / 90 / 100 | shared, bytes | occupancy, sm_80 / 90 / 100 | mma |", "|---|---|---:|---|---:|---|---:|"]
    for (file, kernel, threads, dynamic), ops in launched(rows).items():
        entry = entry_of(resources, file, kernel)
        registers = {device: int(entry[f"registers {device}"]) for device in SHARED}
        static = max(map(int, entry["shared"].split("/")))
        filled = " / ".join(f"{100 * occupancy(device, threads, registers[device], static + dynamic):.0f} %" for device in SHARED)
        shared = f"{static} + {dynamic}" if dynamic else str(static)
        out.append(f"| `{kernel}` | {ops[0]} | {threads} | {' / '.join(map(str, registers.values()))} | {shared} | {filled} | {entry['mma'] if entry['mma'] != '0' else ''} |")
    return out


def main():
    rows, resources = read("traffic.tsv"), read("resources.tsv")
    tables = [BEGIN, "", *traffic_table(rows, resources), "", "## Resources", "", *resource_table(rows, resources), "", END]
    before = DOCUMENT.read_text()
    start, end = before.index(BEGIN), before.index(END) + len(END)
    after = before[:start] + "\n".join(tables) + before[end:]
    if sys.argv[1:] == ["--check"]:
        if after != before:
            sys.exit(f"{DOCUMENT}: the tables are not those of traffic.tsv and resources.tsv; write them with tests/kernels/document.py")
        return
    DOCUMENT.write_text(after)


if __name__ == "__main__":
    main()
