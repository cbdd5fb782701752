"""Mutants that no test can tell from the code, each with its reason: equivalents.txt, in blocks with an empty line between them.

    file: operator (or operator 2: the second mutant of the file that reads the same)
    - the lines as they are, on one
    + the lines with the fault
    the reason
"""
import re
from pathlib import Path

LIST = Path(__file__).parent / "equivalents.txt"


def listed(path=LIST):
    """Mutant identity -> reason."""
    out = {}
    for block in path.read_text().split("\n\n"):
        lines = [line for line in block.strip().splitlines() if not line.startswith("#")]
        if not lines:
            continue
        file, operator, occurrence = re.fullmatch(r"(\S+): (\w+)(?: (\d+))?", lines[0]).groups()
        if len(lines) < 4 or lines[1][:2] != "- " or lines[2][:2] != "+ ":
            raise ValueError(f"{path}: a block is file: operator, - line, + line, reason:\n{block}")
        out[file, operator, lines[1][2:], lines[2][2:], int(occurrence or 1)] = " ".join(lines[3:])
    return out
