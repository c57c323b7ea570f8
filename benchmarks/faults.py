"""What a collection survives: a line a fault, and every number compared with a calm collection.

Each fault is done to real collections by ``phasegrok collect`` in processes of their own. When
the study is complete in the end, every variable of every run must be bitwise that of a study
that nothing happened to. An observable witnesses each record that is measured, so that what a
kill undid is seen, not estimated.

    python benchmarks/faults.py                # 100 SIGKILLs and all the rest: some 15 minutes
    python benchmarks/faults.py --tiny         # a few of each
    python benchmarks/faults.py --only clocks  # one of them

The disk that fills up and the folder that turns read-only are mounts of a namespace of their
own; where the system allows none, their lines say so.
"""

import argparse
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from fault_scenes import (
    CHECKPOINT_SECONDS,
    CLOCKS,
    RECORD_SECONDS,
    STUDY,
    TROUBLED,
    WITNESS,
    Scene,
    Witnesses,
    compared,
    ended,
    numbers,
    stored,
    workers_of,
)

from phasegrok.runs import study_status


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table."""

    fault: str
    times: int
    runs: int
    lost: float | None = None
    """Seconds of a worker's work that the worst fault undid; None where nobody looked."""
    allowed: float | None = None
    equal: bool = True
    remark: str = ""

    @property
    def is_good(self) -> bool:
        """Whether every number is right and no more was lost than is allowed."""
        return self.equal and (self.lost or 0.0) <= (self.allowed or 0.0)


def killed(scene: Scene, kind: str) -> Line:
    """SIGKILL at random moments, in as many studies as it takes."""
    rng = random.Random(f"moments {kind}")
    hits, worst, runs, equal, count = 0, 0.0, 0, True, 0
    while hits < scene.kills:
        folder = scene.room / f"{kind}-{count}"
        witnesses = Witnesses(scene.room / f"{kind}-{count}.txt")
        moments = kill_until_done(
            scene, folder, witnesses, kind=kind, rng=rng, most=scene.kills - hits
        )
        hits += len(moments)
        count += 1
        if moments:
            worst = max(worst, witnesses.lost_seconds(moments))
        here, same = compared(scene, folder)
        runs, equal = runs + here, equal and same
    what = "a worker" if kind == "worker" else "the coordinator"
    # On a busy machine a worker may be kept from making its next record for a while.
    allowed = CHECKPOINT_SECONDS + RECORD_SECONDS
    return Line(
        fault=f"SIGKILL of {what}",
        times=hits,
        runs=runs,
        lost=worst,
        allowed=allowed,
        equal=equal,
        remark=f"{count} studies",
    )


def kill_until_done(
    scene: Scene,
    folder: Path,
    witnesses: Witnesses,
    *,
    kind: str,
    rng: random.Random,
    most: int,
) -> list[float]:
    """Collect one study under kills; their moments."""
    moments: list[float] = []
    before = stored(folder)
    process = scene.begin(folder, environment=witnesses.environment)
    while True:
        if len(moments) >= most:
            ended(process, 0)
            return moments
        with suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.0, scene.pause))
            ended(process, 0)
            return moments
        if kind == "worker":
            victims = workers_of(process)
            if not victims:
                continue
            with suppress(ProcessLookupError):
                os.kill(rng.choice(victims), signal.SIGKILL)
        else:
            process.kill()
            process.communicate()
        moments.append(time.monotonic())
        after = stored(folder)
        if not before.items() <= after.items():
            raise RuntimeError(f"{folder} lost a shard that was finished")
        before = after
        if kind == "coordinator":
            process = scene.begin(folder, environment=witnesses.environment)


def interrupted(scene: Scene) -> Line:
    """SIGINT and SIGTERM by turns."""
    folder = scene.room / "interrupted"
    times = max(scene.kills // 10, 2)
    done = 0
    for number in range(times):
        process = scene.begin(folder)
        with suppress(subprocess.TimeoutExpired):
            process.wait(6.0)
            ended(process, 0)
            break
        kind, code = ((signal.SIGINT, 130), (signal.SIGTERM, 143))[number % 2]
        process.send_signal(kind)
        ended(process, code)
        done += 1
    scene.finish(folder)
    runs, equal = compared(scene, folder)
    return Line(fault="SIGINT, SIGTERM", times=done, runs=runs, equal=equal)


def two_coordinators(scene: Scene) -> Line:
    """Four collectors on one folder at once, again and again."""
    folder = scene.room / "two"
    times = max(scene.kills // 20, 1)
    refused = 0
    for last in [False] * (times - 1) + [True]:
        processes = [scene.begin(folder) for _ in range(4)]
        while sum(each.poll() is None for each in processes) > 1:
            time.sleep(0.05)
        for each in processes:
            if each.poll() == 2:
                refused += "holds" in ended(each, 2)
            elif last:
                ended(each, 0)
            else:
                each.kill()
                each.communicate()
    runs, equal = compared(scene, folder)
    return Line(
        fault="four coordinators at once",
        times=times,
        runs=runs,
        equal=equal and refused == 3 * times,
        remark=f"{refused} of {3 * times} refused, as they must be",
    )


def clocks(scene: Scene) -> Line:
    """Clocks that jump at every look, kills, and files that are of no time."""
    folder, times = scene.room / "clocks", max(scene.kills // 20, 1)
    patched = scene.room / "clocks_that_jump"
    patched.mkdir()
    (patched / "sitecustomize.py").write_text(CLOCKS, encoding="utf-8")
    path = os.pathsep.join([str(patched), os.environ.get("PYTHONPATH", "")])
    rng = random.Random("clocks")
    for _ in range(times):
        process = scene.begin(folder, environment={"PYTHONPATH": path})
        with suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(4.0, 8.0))
            break
        process.kill()
        process.communicate()
        for each in folder.rglob("*"):
            moment = rng.uniform(0.0, 4e9)
            os.utime(each, (moment, moment))
    scene.finish(folder, environment={"PYTHONPATH": path})
    runs, equal = compared(scene, folder)
    return Line(fault="clocks that jump, and kills", times=times, runs=runs, equal=equal)


def stopped(scene: Scene) -> Line:
    """A worker that stands still, as on a machine that suspends it."""
    folder = scene.room / "stopped"
    process = scene.begin(folder, "--run-seconds", "3")
    while process.poll() is None and not list(folder.glob(".checkpoints/*")):
        time.sleep(0.05)
    victims = workers_of(process)
    os.kill(victims[0], signal.SIGSTOP)
    ended(process, 0)
    runs, equal = compared(scene, folder)
    return Line(fault="a worker stands still (SIGSTOP)", times=1, runs=runs, equal=equal)


def damaged(scene: Scene) -> Line:
    """A shard cut short, another with a flipped byte in its table, checkpoints with one."""
    folder = scene.room / "damaged"
    process = scene.begin(folder)
    while process.poll() is None and not (
        list(folder.glob("shard-*.h5")) and list(folder.glob(".checkpoints/*"))
    ):
        time.sleep(0.01)
    process.kill()
    process.communicate()
    shards, kept = sorted(folder.glob("shard-*.h5")), sorted(folder.glob(".checkpoints/*"))
    for path in shards[:1]:
        os.truncate(path, path.stat().st_size * 2 // 3)
    for path in kept:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    scene.finish(folder)
    aside = list(folder.glob("*.damaged"))
    for path in aside:
        path.unlink()
    runs, equal = compared(scene, folder)
    remark = f"{len(aside)} shard set aside and made again, {len(kept)} checkpoints not used"
    return Line(
        fault="damaged files",
        times=len(shards[:1]) + len(kept),
        runs=runs,
        equal=equal and len(aside) == 1,
        remark=remark,
    )


def troubled(scene: Scene) -> Line:
    """One run in a hundred diverges, one raises, one never ends its step."""
    count = 300 if scene.kills > 10 else 30
    cubics = [-0.3 - 1e-4 * index for index in range(count - 3)]
    points = [f"{{ cubic = {cubic!r}, step_size = 1e-4 }}" for cubic in cubics]
    points += [
        "{ cubic = -0.4, step_size = 1e3 }",
        "{ cubic = -0.5, step_size = 1e-4 }",
        "{ cubic = -0.6, step_size = 1e-4 }",
    ]
    text = STUDY.format(steps=400, replicas=1).partition("[plan]")[0]
    description = scene.room / "troubled.toml"
    description.write_text(text + TROUBLED.format(points=", ".join(points)), encoding="utf-8")
    here = dataclasses.replace(scene, description=description)
    folder, calm = scene.room / "troubled", scene.room / "untroubled"
    here.finish(calm)
    ended(here.begin(folder, "--run-seconds", "3", environment={"TROUBLE": "1"}), 1)
    status = study_status(folder)
    mine, other = numbers(folder), numbers(calm)
    unharmed = sum(mine[run_id] == other[run_id] for run_id in other)
    outcomes = dict(status.outcomes)
    expected = {"finished": count - 3, "diverged": 1, "failed": 2}
    told = {each.text for each in status.reasons}
    as_told = any("the trouble that was" in text for text in told) and any(
        "no step ended" in text for text in told
    )
    return Line(
        fault=f"of {count} runs one diverges, one raises, one hangs",
        times=1,
        runs=len(mine),
        # The one that diverges does so in the calm study as well.
        equal=unharmed == count - 2 and outcomes == expected and as_told,
        remark=f"{unharmed} runs unharmed; " + "; ".join(sorted(told)),
    )


def full_disk(scene: Scene) -> Line:
    """A disk that fills up under a collection; more room, and the same command again."""
    folder = scene.room / "small" / "runs"
    folder.parent.mkdir()
    mount("-t", "tmpfs", "-o", "size=16m", "none", str(folder.parent))
    process = scene.begin(folder, "--batch-seconds", "2")
    while process.poll() is None and not list(folder.glob("shard-*.h5")):
        time.sleep(0.01)
    before = stored(folder)
    filler = folder.parent / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    said = ended(process, 2)
    kept = before.items() <= stored(folder).items()
    filler.unlink()
    scene.finish(folder)
    runs, equal = compared(scene, folder)
    told = "The disk is full: free some space" in said
    return Line(fault="a full disk", times=1, runs=runs, equal=equal and kept and told)


def read_only(scene: Scene) -> Line:
    """A folder that is read-only when the collection is to go on."""
    folder = scene.room / "locked"
    process = scene.begin(folder)
    while process.poll() is None and not list(folder.glob(".checkpoints/*")):
        time.sleep(0.01)
    process.kill()
    process.communicate()
    time.sleep(1.0)
    mount("--bind", str(folder), str(folder))
    mount("-o", "remount,ro,bind", str(folder))
    before = sorted(folder.rglob("*"))
    said = ended(scene.begin(folder), 2)
    left = study_status(folder).left
    untouched = before == sorted(folder.rglob("*"))
    subprocess.run(["umount", str(folder)], check=True)
    scene.finish(folder)
    runs, equal = compared(scene, folder)
    told = "read-only" in said.lower()
    good = equal and untouched and told and left > 0
    return Line(fault="a read-only folder", times=1, runs=runs, equal=good)


def mount(*arguments: str) -> None:
    """Mount something in this namespace."""
    subprocess.run(["mount", *arguments], check=True)


FAULTS: dict[str, Callable[[Scene], Line]] = {
    "workers": lambda scene: killed(scene, "worker"),
    "coordinators": lambda scene: killed(scene, "coordinator"),
    "interrupts": interrupted,
    "two": two_coordinators,
    "full": full_disk,
    "readonly": read_only,
    "clocks": clocks,
    "stopped": stopped,
    "damaged": damaged,
    "troubled": troubled,
}

IN_A_NAMESPACE = ("full", "readonly")
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
SLOW = ("stopped", "interrupts", "clocks", "damaged", "readonly", "troubled")
"""What the tiny size leaves out: the test suite has small ones of them."""


def carried_out(name: str, scene: Scene) -> Line:
    """Carry out one fault, in a namespace of its own where it needs one."""
    if name not in IN_A_NAMESPACE or "PHASEGROK_NAMESPACE" in os.environ:
        return FAULTS[name](scene)
    try:
        subprocess.run([*NAMESPACE, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return Line(fault=name, times=0, runs=0, remark="no namespaces here: not tried")
    within = [sys.executable, __file__, "--within", str(scene.room), "--only", name]
    done = subprocess.run(
        [*NAMESPACE, *within],
        env={**os.environ, "PHASEGROK_NAMESPACE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Line(**json.loads(done.stdout.splitlines()[-1]))


def prepared(room: Path, *, tiny: bool) -> Scene:
    """Write the study, and collect it in calm."""
    text = STUDY.format(steps=6000 if tiny else 12_000, replicas=8 if tiny else 48)
    (room / "study.toml").write_text(text, encoding="utf-8")
    (room / "witness.py").write_text(WITNESS, encoding="utf-8")
    sys.path.insert(0, str(room))
    scene = Scene(room=room, description=room / "study.toml", kills=3 if tiny else 50)
    begin = time.monotonic()
    scene.finish(scene.calm)
    seconds = time.monotonic() - begin
    runs, shards = study_status(scene.calm).stored, len(stored(scene.calm))
    took = f"collected in calm in {seconds:.0f} s by two workers"
    kept = f"a checkpoint every {CHECKPOINT_SECONDS} s"
    print(f"{runs} runs in {shards} shards, {took}; {kept}", flush=True)
    # On a busy machine a process takes longer to start.
    return dataclasses.replace(scene, pause=max(scene.pause, seconds / 4))


def written(line: Line) -> str:
    """One line of the table."""
    lost = "" if line.lost is None else f"{line.lost:.2f} of {line.allowed:.1f}"
    verdict = "yes" if line.equal else "NO"
    counts = f"{line.fault:44} {line.times:5} {line.runs:5}"
    return f"{counts} {lost:>12} {verdict:>6}  {line.remark}"


HEADER = (
    f"{'fault':44} {'times':>5} {'runs':>5} {'lost':>12} {'equal':>6}\n"
    f"{'':44} {'':5} {'':5} {'s, at most':>12} {'bitwise':>6}"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--only", choices=list(FAULTS), nargs="+")
    parser.add_argument("--kills", type=int, help="SIGKILLs of each kind (default: 50)")
    parser.add_argument("--within", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.within is not None:
        scene = Scene(room=options.within, description=options.within / "study.toml", kills=1)
        sys.path.insert(0, str(options.within))
        print(json.dumps(dataclasses.asdict(FAULTS[options.only[0]](scene))))
        return
    # Where this runs in the background, a shell has it ignore Ctrl-C, and its children too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    names = options.only or list(FAULTS)
    if options.tiny and not options.only:
        names = [name for name in names if name not in SLOW]
    lines: list[Any] = []
    with tempfile.TemporaryDirectory() as room:
        scene = prepared(Path(room), tiny=options.tiny)
        scene = dataclasses.replace(scene, kills=options.kills or scene.kills)
        print(HEADER, flush=True)
        for name in names:
            lines.append(carried_out(name, scene))
            print(written(lines[-1]), flush=True)
    if not all(line.is_good for line in lines):
        raise SystemExit("a fault did harm: see the lines with NO")


if __name__ == "__main__":
    main()
