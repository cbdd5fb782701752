#!/usr/bin/env python3
"""isobath's byte-level BPE beside tiktoken (pip install tiktoken): same vocabulary, same text, one thread each, in turns.
Usage: tokenizer_pair.py ISOBATH FOLDER_WITH_VOCAB TEXT [ROUNDS]; the folder holds GPT-2's encoder.json and vocab.bpe. Prints each round, then medians and
their ratio, and ends with 1 where the numbers of tokens differ."""
import json
import os
import statistics
import subprocess
import sys
import time

import tiktoken

PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
END = "<|endoftext|>"


def gpt2(folder):
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    byte_of = {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
    with open(os.path.join(folder, "encoder.json"), encoding="utf-8") as file:
        numbers = json.load(file)
    ranks = {bytes(byte_of[c] for c in token): number for token, number in numbers.items() if token != END}
    return tiktoken.Encoding("gpt2", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={END: numbers[END]})


def main():
    program, folder, path = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    encoding = gpt2(folder)
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    size = len(text.encode())
    ours, theirs, same = [], [], True
    for _ in range(rounds):
        out = subprocess.run([program, "bench", "--tokenizer", os.path.join(folder, "vocab.bpe"), "--text", path], check=True, capture_output=True, text=True)
        report = json.loads(out.stdout)
        began = time.perf_counter()
        tokens = len(encoding.encode_ordinary(text))
        theirs.append(size * 1e-6 / (time.perf_counter() - began))
        ours.append(report["mb_per_s"])
        same = same and tokens == report["tokens"]
        print(f"isobath {ours[-1]:6.2f} MB/s   tiktoken {theirs[-1]:6.2f} MB/s   {report['tokens']} and {tokens} tokens")
    print(f"medians: isobath {statistics.median(ours):.2f}, tiktoken {statistics.median(theirs):.2f}, ratio {statistics.median(ours) / statistics.median(theirs):.2f}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
