"""A folder with a dataset and runs on it, the program under test, and what can be read of a run afterwards."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

CONFIG = """\
model: {layers: 4, width: 32, heads: 2, context: 32, dropout: 0.1}
depth: {policy: mixture_of_depths, mixture_of_depths: {capacity: 0.25}}
data: {path: DATA, validation_fraction: 0.1, validation_block: 1024}
optim: {learning_rate: 2e-3, warmup_steps: 4}
train: {steps: 24, batch: 8}
evaluation: {every: 8, windows: 8}
checkpoint: {every: 4, keep_last: 3, retry_after: 0.2}
watchdog: {step: 8, checkpoint: 20}
"""

# An end with an error need not wait for ranks that ignore TERM; see cluster/mpi-environment.sh for the rest.
MPI = {"OMPI_MCA_odls_base_sigkill_timeout": "0", "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
       "OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
       "OMPI_MCA_hwloc_base_binding_policy": "none", "OMP_NUM_THREADS": "1"}
LONGEST_RUN = 120  # seconds; a rank that is left hanging ends here


class Workplace:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "text.txt").write_text(real_text())
        subprocess.run([options.program, "prepare", self.folder / "text.txt", "--output", self.folder / "data",
                        "--tokenizer", "characters"], check=True, stdout=subprocess.DEVNULL)
        (self.folder / "config.yaml").write_text(CONFIG.replace("DATA", str(self.folder / "data")))
        self._references, self._lock = {}, threading.Lock()

    def run(self, name, world=2, overrides=(), fault="", io_fault="", environment=None, while_running=None):
        """One start of the run: its exit code and everything it printed. `while_running(process)` is called beside it."""
        command = [self.options.mpiexec, "-n", str(world)]
        extra = dict(MPI, **(environment or {}))
        if fault:
            extra["ISOBATH_FAULT"] = fault
        if io_fault:
            extra["ISOBATH_IO_FAULT"] = io_fault
            command += ["-x", f"LD_PRELOAD={self.options.io_faults}", "-x", "ISOBATH_IO_FAULT"]
        command += [self.options.program, "train", self.folder / "config.yaml", f"name={name}",
                    f"output={self.folder / 'runs'}", *overrides]
        process = subprocess.Popen(command, env=dict(os.environ, **extra), stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, start_new_session=True)
        watcher = threading.Thread(target=while_running, args=(process,)) if while_running else None
        if watcher:
            watcher.start()
        try:
            output, _ = process.communicate(timeout=LONGEST_RUN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(f"a rank was left hanging: no end within {LONGEST_RUN} s")
        finally:
            if watcher:
                watcher.join()
        return process.returncode, output

    def finish(self, name, world=2, overrides=()):
        """The same command again and again, as a job script would."""
        for _ in range(3):
            code, output = self.run(name, world, overrides)
            if code == 0:
                return output
        raise AssertionError(f"the same command did not finish the run: exit code {code}: {output[-600:]}")

    def reference(self, world=2, overrides=()):
        """Name of a run of that kind that nothing happened to."""
        key = (world, tuple(overrides))
        with self._lock:
            if key not in self._references:
                name = f"reference-{len(self._references)}"
                code, output = self.run(name, world, overrides)
                assert code == 0, f"an undisturbed run ended with {code}: {output[-600:]}"
                self._references[key] = name
            return self._references[key]

    def root(self, name):
        return self.folder / "runs" / name

    def copy(self, name, new):
        shutil.copytree(self.root(name), self.root(new))

    def steps(self, name):
        """{step, tokens, data, loss, gradient_norm} of every step, as printed."""
        keys = ("step", "tokens", "data", "loss", "gradient_norm")
        found = []
        path = self.root(name) / "metrics.jsonl"
        for line in path.read_text().splitlines() if path.exists() else ():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                break  # a line that a killed process did not finish
            if entry["kind"] == "step":
                found.append(tuple(entry[key] for key in keys))
        return found

    def checkpoints(self, name):
        return sorted((self.root(name) / "checkpoints").glob("step-????????"))

    def whole(self, name):
        """Steps whose checkpoints are whole by every digest."""
        found = []
        for path in self.checkpoints(name):
            verify = subprocess.run([self.options.program, "checkpoint", "verify", path], capture_output=True, text=True)
            if verify.returncode == 0:
                found.append(int(path.name.removeprefix("step-")))
        return found

    def tensors(self, name):
        """Digests of all weights and moments that the run ended with."""
        manifest = json.loads((self.checkpoints(name)[-1] / "manifest.json").read_text())
        return manifest["tensors"]

    def wait_for_step(self, name, step, process):
        """Returns when the run has logged that step; whether it did before it ended."""
        while process.poll() is None:
            if any(found[0] >= step for found in self.steps(name)):
                return True
            time.sleep(0.01)
        return False

    def ranks(self, process):
        """Process ids of mpirun's ranks, by rank."""
        found = {}
        for path in os.listdir("/proc"):
            if not path.isdigit():
                continue
            try:
                with open(f"/proc/{path}/environ", "rb") as file:
                    environment = dict(re.findall(rb"([^=\0]+)=([^\0]*)\0", file.read()))
                with open(f"/proc/{path}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            if parent == process.pid and b"OMPI_COMM_WORLD_RANK" in environment:
                found[int(environment[b"OMPI_COMM_WORLD_RANK"])] = int(path)
        return found


def real_text():
    """English prose: the Bible, where Debian's bible-kjv prints it, else the licence texts that every Debian has."""
    if shutil.which("bible"):
        return subprocess.run(["bible", "-f", "gen1:1-gen30:43"], capture_output=True, text=True, check=True).stdout
    with open("/usr/share/common-licenses/GPL-3", encoding="utf-8") as file:
        return file.read() * 3
