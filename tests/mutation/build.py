"""Compiles one changed file beside an emulated build, and links test programs with it. Writes below its own folder only."""
import json
import shlex
import shutil
import subprocess
from pathlib import Path

# Comes before everything. An addition that others may come between, as on a device: the emulation switches threads there in random order.
PLAIN_ADD = """
template <class T>
T plain_add(T* address, std::type_identity_t<T> value) {
  const T before = *address;
  isobath::emulated::perhaps_yield();
  *address = static_cast<T>(before + value);
  return before;
}
"""
COMPILE_SECONDS = 300


class DoesNotLink(Exception):
    """A mutant that is no program, like one that does not compile."""


def prelude_of(headers):
    return "#pragma once\n#include <cuda_runtime.h>\n" + "".join(f'#include "{name}"\n' for name in headers) + PLAIN_ADD


class Build:
    """An emulated build that is up to date, and what it was made with."""

    def __init__(self, root, folder, scratch, optimise):
        self.root, self.folder, self.scratch, self.optimise = root, folder, scratch, optimise
        self.commands = {}
        self.objects = {}
        for entry in json.loads((folder / "compile_commands.json").read_text()):
            words = shlex.split(entry["command"])
            name = str(Path(entry["file"]).relative_to(root)) if entry["file"].startswith(f"{root}/") else entry["file"]
            if name in self.commands and not words[words.index("-o") + 1].startswith("CMakeFiles/isobath_"):
                continue  # a library's file compiled again for another purpose, as to count its loads
            self.commands[name] = words[next(i for i, word in enumerate(words) if "ccache" not in Path(word).name) :]
            self.objects[name] = words[words.index("-o") + 1]

    def bring_up_to_date(self, programs, jobs):
        subprocess.run(["ninja", "-C", str(self.folder), f"-j{jobs}", *programs], check=True, stdout=subprocess.DEVNULL)

    def flags(self, unit):
        """Those of the build without warnings; -O3 would cost more than it finds."""
        words = self.commands[unit][1:]
        dropped = {"-o": 2, "-c": 2, "-x": 2, "-Werror": 1, "-O3": 1, "-O1": 1, "-include": 2}
        out, at = [], 0
        while at < len(words):
            if words[at] not in dropped:
                out.append(words[at])
            at += dropped.get(words[at], 1)
        return [*out, "-w", f"-O{self.optimise}"]

    def prelude(self, unit, unchanged, work):
        """A header of what a unit includes and no mutant of a file changes, precompiled: most of the work is done once for all of them."""
        header = work / "prelude" / Path(unit).name / "prelude.hpp"
        text = prelude_of(unchanged)
        if not header.exists() or header.read_text() != text:
            header.parent.mkdir(parents=True, exist_ok=True)
            header.write_text(text)
            command = [self.commands[unit][0], *self.flags(unit), "-x", "c++-header", "-c", str(header), "-o", f"{header}.gch"]
            subprocess.run(command, cwd=self.folder, check=True)
        return header

    def short_prelude(self, work):
        """For a file with so few mutants that the other would not pay."""
        header = work / "prelude.hpp"
        header.write_text(prelude_of([]))
        return header

    def compile(self, unit, work, prelude, changed=None, text=None):
        """The object of a unit, with `text` in the place of the file `changed`; None when that is no C++."""
        overlay, source = work / "overlay", self.root / unit
        shutil.rmtree(overlay, ignore_errors=True)
        overlay.mkdir(parents=True)
        if changed is not None:
            (overlay / changed).parent.mkdir(parents=True)
            (overlay / changed).write_text(text)
            source = overlay / unit if changed == unit else source
        out = work / f"{Path(unit).stem}.o"
        command = [self.commands[unit][0], f"-I{overlay}", "-include", str(prelude), *self.flags(unit)]
        command += ["-x", "c++", "-c", str(source), "-o", str(out)]
        try:
            done = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=COMPILE_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return None
        return out if done.returncode == 0 else None

    def link(self, program, unit, compiled, work):
        """A test program with `compiled` in the place of a unit's object: it comes first, so that nothing of the archive is asked for."""
        line = subprocess.run(["ninja", "-C", str(self.folder), "-t", "commands", program], check=True, capture_output=True, text=True)
        words = shlex.split(line.stdout.strip().splitlines()[-1])
        words = [word for word in words[: words.index("&&", 2)] if word not in (":", "&&")]
        if "ccache" in Path(words[0]).name:
            words = words[1:]
        out = work / program
        words[words.index("-o") + 1] = str(out)
        words = [word for word in words if word != self.objects[unit]]
        linker = "-fuse-ld=lld" if shutil.which("ld.lld") else "-fuse-ld=gold" if shutil.which("ld.gold") else "-fuse-ld=bfd"
        done = subprocess.run([words[0], linker, str(compiled), *words[1:]], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DoesNotLink(done.stderr)
        return out

    def tests(self):
        """What ctest would run: for each, its program, arguments and environment. Asked from a folder of its own: ctest begins its log anew
        wherever it is asked, and a test that did so in the build would take away the log of the run that it is part of."""
        asked = self.scratch / "ctest"
        asked.mkdir(parents=True, exist_ok=True)
        (asked / "CTestTestfile.cmake").write_text(f'subdirs("{self.folder}")\n')
        answer = subprocess.run(["ctest", "--test-dir", str(asked), "--show-only=json-v1"], check=True, capture_output=True, text=True)
        return json.loads(answer.stdout)["tests"]
