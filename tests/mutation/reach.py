"""Which compiled files a source file gets into, and which tests reach those: read off the includes, never kept by hand."""
import re
from functools import lru_cache
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
SUITE = re.compile(r"^\s*(?:TEST|TEST_F|TEST_P|TYPED_TEST|RANKED_TEST)\((\w+),", re.M)
TEST_FOLDERS = ("tests/gpu", "tests/emulated/ops", "tests/emulated/checks", "tests/gpu_ranks", "tests/doctor")
SHARED = ("ops/core", "ops/tensor", "ops/autograd")  # under every op, so that an include of them says little


class Reach:
    def __init__(self, root, units):
        self.root = root
        self.units = sorted(unit for unit in units if is_ours(unit))
        self.tests = [str(path.relative_to(root)) for folder in TEST_FOLDERS for path in sorted((root / folder).glob("*.cpp"))]

    @lru_cache(maxsize=None)
    def includes(self, file):
        """The project's own files that a file includes itself; those of tests are named from tests/ on."""
        found = INCLUDE.findall((self.root / file).read_text())
        named = (next((name for name in (include, f"tests/{include}") if (self.root / name).exists()), None) for include in found)
        return frozenset(name for name in named if name)

    @lru_cache(maxsize=None)
    def all_includes(self, file):
        seen, rest = set(), [file]
        while rest:
            new = self.includes(rest.pop()) - seen
            seen |= new
            rest += new
        return frozenset(seen)

    def unchanged(self, unit, changed):
        """The headers of a unit that a change of `changed` does not get into."""
        out, rest, seen = [], sorted(self.includes(unit)), set()
        while rest:
            header = rest.pop(0)
            if header in seen or header == changed:
                continue
            seen.add(header)
            if changed in self.all_includes(header):
                rest += sorted(self.includes(header))
            else:
                out.append(header)
        return out

    def units_of(self, file):
        """The nearest first: those of its own folder, then those that include it themselves."""
        if file in self.units:
            return [file]
        reached = [unit for unit in self.units if file in self.all_includes(unit)]
        return sorted(reached, key=lambda unit: (folder(unit) != folder(file), file not in self.includes(unit), unit))

    @lru_cache(maxsize=None)
    def uses(self, of_folder):
        """The ops whose headers the files of an op include, itself among them."""
        files = [file for file in (self.root / of_folder).iterdir() if file.suffix in (".cpp", ".cu", ".hpp", ".cuh")]
        included = {include for file in files for include in self.includes(str(file.relative_to(self.root)))}
        return frozenset({of_folder} | {folder(include) for include in included if is_op(include)})

    def suites_of(self, unit):
        """Names of test suites in three steps, nearest first: those that call it, those that use what calls it, and for shared parts all others."""
        steps = [set(), set(), set()]
        for test in self.tests:
            steps[self.distance(test, unit)].update(SUITE.findall((self.root / test).read_text()))
        return [steps[0], steps[1] - steps[0], steps[2] - steps[1] - steps[0] if is_shared(unit) else set()]

    def distance(self, test, unit):
        called = self.called_by(test)
        if is_header_of(unit, called):
            return 0
        if is_shared(unit):
            return 1 if is_header_of(unit, self.all_includes(test)) else 2
        if unit.startswith("tests/"):
            return 2
        if folder(unit) in {folder(header) for header in called}:
            return 0
        return 1 if any(folder(unit) in self.uses(folder(header)) for header in called if is_op(header)) else 2

    @lru_cache(maxsize=None)
    def called_by(self, test):
        """Headers that a test and its helpers include, and not what is behind those."""
        out, rest = set(), [test]
        while rest:
            new = self.includes(rest.pop()) - out
            out |= new
            rest += [include for include in new if include.startswith("tests/")]
        return frozenset(out)


def folder(file):
    return str(Path(file).parent)


def is_ours(unit):
    """Code under test: kernels, streams and memory, NCCL; and kernels of tests, which call device code that no op shows by itself."""
    return unit.endswith("_cuda.cu") or unit == "ops/core/allocator.cpp" or unit.startswith(("ops/core/cuda/", "parallel/nccl_"))


def is_shared(file):
    return file.startswith(SHARED)


def is_op(file):
    return file.startswith("ops/") and not is_shared(file)


def is_header_of(unit, includes):
    stem = Path(unit).stem
    return any(Path(include).stem == stem and include.endswith(".hpp") for include in includes)
