"""What can happen to a run, and what has to be true afterwards."""

import dataclasses
import errno
import glob
import os
import random
import signal
import statistics
import time
import zlib
from typing import Callable


class NotPossible(Exception):
    """This machine cannot produce the fault; says why."""


@dataclasses.dataclass
class Case:
    name: str
    run: Callable  # takes the workplace; returns what the broken run said; raises AssertionError when something is lost


def slug(text):
    """A run's name that says nothing: a path must not contain what a fault looks for."""
    return f"case-{zlib.crc32(text.encode()):08x}"


def expect_undisturbed(place, name, world=2, overrides=()):
    """Every step and the last weights and moments are those of a run that nothing happened to, to the last bit."""
    reference = place.reference(world, overrides)
    got, wanted = place.steps(name), place.steps(reference)
    assert got == wanted, f"steps differ: {first_difference(got, wanted)}"
    assert place.tensors(name) == place.tensors(reference), "weights or moments differ"


def first_difference(got, wanted):
    for mine, theirs in zip(got, wanted):
        if mine != theirs:
            return f"{mine} instead of {theirs}"
    return f"{len(got)} steps instead of {len(wanted)}"


def durable_steps(output):
    """Checkpoints that the run said were durable."""
    return [int(line.split("checkpoint of step ")[1].split()[0]) for line in output.splitlines() if " durable after " in line]


def survive(place, name, world=2, overrides=(), **fault):
    """A run that `fault` happens to, and the same command until it is finished."""
    code, output = place.run(name, world, overrides, **fault)
    whole = place.whole(name)
    said = durable_steps(output)
    assert not said or max(said) in whole, f"step {max(said)} was called durable and is not whole ({whole})"
    place.finish(name, world, overrides)
    expect_undisturbed(place, name, world, overrides)
    return f"exit code {code}"


def killed_in_a_save(point, who, action="kill"):
    world = 2
    rank = {"rank 0": ":rank=0", "the last rank": f":rank={world - 1}", "all ranks": ""}[who]
    name = f"{action} -9 of {who} at {point.replace('_', ' ')}" if action == "kill" else f"failure of {who} at {point.replace('_', ' ')}"
    # The third save: older checkpoints exist. Pruning begins with the fourth.
    visit = 1 if point in ("in_pruning", "loading") else 3

    def run(place):
        run_name = slug(name)
        if point == "loading":
            code, output = place.run(run_name, world, ["train.steps=12", "optim.decay_steps=24"])
            assert code == 0, output[-400:]
            overrides = ["optim.decay_steps=24"]
        else:
            overrides = ["optim.decay_steps=24"]
        return survive(place, run_name, world, overrides, fault=f"{point}{rank}:visit={visit}:{action}")

    return Case(name, run)


def killed_while_training(who, step):
    name = f"kill -9 of {who} after step {step}"

    def run(place):
        def kill(process):
            place.wait_for_step(slug(name), step, process)
            ranks = place.ranks(process)
            for rank, number in ranks.items():
                if who == "all ranks" or rank == {"rank 0": 0, "the last rank": max(ranks)}[who]:
                    os.kill(number, signal.SIGKILL)

        return survive(place, slug(name), overrides=SLOW, while_running=kill)

    return Case(name, run)


# Long enough that a signal from outside hits the middle.
SLOW = ("train.steps=60", "train.batch=32", "model.width=64", "checkpoint.every=10")


def killed_in_a_collective():
    name = "kill -9 of a rank that waits in a collective"

    def run(place):
        def kill(process):
            place.wait_for_step(slug(name), 13, process)
            ranks = place.ranks(process)
            if len(ranks) < 2:
                return
            os.kill(ranks[1], signal.SIGSTOP)  # rank 0 is in a collective from now on
            time.sleep(1)
            os.kill(ranks[0], signal.SIGKILL)

        return survive(place, slug(name), overrides=SLOW, while_running=kill)

    return Case(name, run)


def stopped_rank():
    name = "a rank that hangs (SIGSTOP)"

    def run(place):
        def stop(process):
            place.wait_for_step(slug(name), 13, process)
            ranks = place.ranks(process)
            if 1 in ranks:
                os.kill(ranks[1], signal.SIGSTOP)

        outcome = survive(place, slug(name), overrides=(*SLOW, "watchdog.step=3"), while_running=stop)
        assert outcome == "exit code 79", outcome
        return outcome

    return Case(name, run)


def asked_to_stop(what):
    name = f"{what.name} to mpirun"

    def run(place):
        def ask(process):
            place.wait_for_step(slug(name), 13, process)
            process.send_signal(what)

        return survive(place, slug(name), overrides=SLOW, while_running=ask)

    return Case(name, run)


def failing_storage(call, part, error, count=1):
    name = f"{errno.errorcode[error]} {'for good ' if count > 9 else ''}at {call} of {part}"

    def run(place):
        if place.options.io_faults is None:
            raise NotPossible("no --io-faults library")
        return survive(place, slug(name), overrides=("optim.decay_steps=24",), io_fault=f"{call}:{part}:{error}:1:{count}")

    return Case(name, run)


def damaged(what, damage):
    """A run of 12 steps, damage to its newest checkpoint, and the same command with more steps."""

    def run(place):
        name = slug(what)
        code, output = place.run(name, overrides=("train.steps=12", "optim.decay_steps=24"))
        assert code == 0, output[-400:]
        damage(place.checkpoints(name)[-1])
        assert 12 not in place.whole(name), "the damage was not seen"
        before = place.whole(name)
        output = place.finish(name, overrides=("optim.decay_steps=24",))
        assert "skipping" in output and "step-00000012" in output, "the damaged checkpoint was not named"
        assert before, "there was nothing older to go on from"
        expect_undisturbed(place, name, overrides=("optim.decay_steps=24",))
        return next(line for line in output.splitlines() if "skipping" in line).split(": ", 2)[-1][:120]

    return Case(what, run)


def flip_bit(pattern):
    def damage(checkpoint):
        path = sorted(checkpoint.glob(pattern))[0]
        content = bytearray(path.read_bytes())
        content[len(content) * 2 // 3] ^= 0x10
        path.write_bytes(content)

    return damage


def truncate(checkpoint):
    path = checkpoint / "shard-00001-of-00002.h5"
    os.truncate(path, path.stat().st_size - 1)


def remove_shard(checkpoint):
    (checkpoint / "shard-00000-of-00002.h5").unlink()


def from_the_future(checkpoint):
    path = checkpoint / "manifest.json"
    text = path.read_text()
    changed = text.replace('"version":1', '"version":99', 1).replace('"version": 1', '"version": 99', 1)
    assert changed != text
    path.write_text(changed)


def another_world(worlds):
    name = "worlds of " + ", then ".join(str(world) for world in worlds) + " ranks"

    def run(place):
        run_name, overrides = slug(name), ("optim.decay_steps=24",)
        for world, steps in zip(worlds, (7, 15, 24)):
            code, output = place.run(run_name, world, (*overrides, f"train.steps={steps}"))
            assert code == 0, output[-400:]
        got, wanted = place.steps(run_name), place.steps(place.reference(2, overrides))
        assert [step[:3] for step in got] == [step[:3] for step in wanted], "steps, tokens or samples differ"
        spread = spread_of_worlds(place, overrides)
        apart = max(abs(mine[3] - theirs[3]) for mine, theirs in zip(got, wanted))
        assert apart <= 3 * spread, f"losses are {apart:.2e} apart; undisturbed runs on 1 to 4 ranks {spread:.2e}"
        return f"losses within {apart / spread:.2f} of the spread of undisturbed runs"

    return Case(name, run)


def spread_of_worlds(place, overrides):
    """Largest difference of a step's loss between undisturbed runs on 1, 2, 3 and 4 ranks."""
    runs = [place.steps(place.reference(world, overrides)) for world in (1, 2, 3, 4)]
    return max(max(step[3] for step in steps) - min(step[3] for step in steps) for steps in zip(*runs))


def clock_jump():
    name = "the wall clock jumps by a day, back and forth"

    def run(place):
        library = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)
        if library is None:
            raise NotPossible("libfaketime is not installed")
        run_name, overrides = slug(name), ("optim.decay_steps=24",)
        for shift, steps in (("+1d", 9), ("-1d", 24)):
            code, output = place.run(run_name, 2, (*overrides, f"train.steps={steps}"),
                                     environment={"LD_PRELOAD": library, "FAKETIME": shift, "DONT_FAKE_MONOTONIC": "1"})
            assert code == 0, output[-400:]
        expect_undisturbed(place, run_name, 2, overrides)
        return "exit code 0"

    return Case(name, run)


def kill_somewhere(place, name, draw, process):
    """Kills a rank of a run that goes on: in start-up or loading, or within its next forty steps."""
    if draw.random() < 0.2:
        time.sleep(draw.uniform(0.0, 1.0))
    else:
        begun = max((step[0] for step in place.steps(name)), default=0)
        place.wait_for_step(name, begun + draw.randint(1, 40), process)
        time.sleep(draw.uniform(0.0, 0.03))
    ranks = place.ranks(process)
    if ranks and process.poll() is None:
        os.kill(draw.choice(sorted(ranks.values())), signal.SIGKILL)


def killed_at_random(times, seed, worlds=(2,)):
    where = "on the same world" if len(worlds) == 1 else "on changing worlds"
    name = f"{times} kills at random moments {where}"
    long = (*SLOW[1:3], "train.steps=1000", "checkpoint.every=20", "guard.max_restarts=0")

    def run(place):
        draw, run_name, kills = random.Random(seed), slug(name), 0
        while kills < times:
            code, output = place.run(run_name, draw.choice(worlds), long,
                                     while_running=lambda process: kill_somewhere(place, run_name, draw, process))
            assert code != 0, f"the run ended after {kills} kills"
            kills += 1
        place.finish(run_name, worlds[0], long)
        got, wanted = place.steps(run_name), place.steps(place.reference(worlds[0], long))
        if len(worlds) == 1:
            expect_undisturbed(place, run_name, worlds[0], long)
            return f"killed {kills} times"
        assert [step[:3] for step in got] == [step[:3] for step in wanted], "steps, tokens or samples differ"
        spread = mean_spread_of_worlds(place, long)
        apart = statistics.fmean(abs(mine[3] - theirs[3]) for mine, theirs in zip(got[-LAST:], wanted[-LAST:]))
        assert apart <= 3 * spread, f"last losses are {apart:.2e} apart; undisturbed runs {spread:.2e}"
        return f"killed {kills} times; last losses within {apart / spread:.2f} of the spread of undisturbed runs"

    return Case(name, run)


# Steps at the end of a long run over which losses of different worlds are compared.
LAST = 50


def mean_spread_of_worlds(place, overrides):
    """Mean over the last steps of the largest difference between undisturbed runs on 1, 2, 3 and 4 ranks."""
    runs = [place.steps(place.reference(world, overrides))[-LAST:] for world in (1, 2, 3, 4)]
    return statistics.fmean(max(step[3] for step in steps) - min(step[3] for step in steps) for steps in zip(*runs))


def all_cases(full):
    cases = []
    for point in ("before_shard", "in_shard", "before_fsync", "shard_done", "loading"):
        for who in ("rank 0", "the last rank", "all ranks"):
            cases.append(killed_in_a_save(point, who))
    for point in ("before_manifest", "manifest_temporary", "manifest_done", "in_pruning"):
        cases.append(killed_in_a_save(point, "rank 0"))
    for who in ("rank 0", "the last rank", "all ranks"):
        cases.append(killed_while_training(who, 23))
    cases += [killed_in_a_collective(), stopped_rank(), asked_to_stop(signal.SIGUSR2), asked_to_stop(signal.SIGUSR1)]
    shard, manifest = "shard-00001", "manifest.json"
    for part in (shard, manifest):
        cases += [failing_storage("write", part, errno.ENOSPC), failing_storage("fsync", part, errno.EIO),
                  failing_storage("rename", part, errno.EIO)]
    cases.append(failing_storage("write", "shard-00000", errno.ENOSPC, count=1000000))
    cases += [damaged("one flipped bit in the manifest", flip_bit("manifest.json")),
              damaged("one flipped bit in the first shard", flip_bit("shard-00000-*")),
              damaged("one flipped bit in the last shard", flip_bit("shard-00001-*")),
              damaged("a truncated shard", truncate), damaged("a missing shard", remove_shard),
              damaged("a manifest from the future", from_the_future)]
    cases += [another_world((1, 2, 3)), another_world((2, 4, 8)), another_world((8, 1, 4)), clock_jump()]
    if full:
        cases += [killed_at_random(20, seed=1), killed_at_random(20, seed=2, worlds=(2, 1, 3, 4))]
    return cases
