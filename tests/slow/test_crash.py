"""A comparison that dies at any moment ends, resumed, with the very numbers of one that nobody disturbed."""

import contextlib
import ctypes
import json
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.command_line import start
from tests.crashing import NEEDS_ROOM, Lives, kept

pytestmark = pytest.mark.slow

PATIENCE = 240
"""Seconds after which something hangs."""
SMALL = ("model.d_model=16", "model.d_mlp=32", "model.n_heads=2", "batches.batch_size=16")
LONG = ("training.steps=100", "training.measurements=5", "training.checkpoint_seconds=0.1")
UNSAVED = ("training.steps=200", "training.measurements=20", "training.checkpoint_seconds=10000")
"""No run saves its state but one that is asked to stop, and none ends before the request gets around."""
BRIEF = ("training.steps=4", "training.measurements=2", "training.checkpoint_seconds=0")
STARTED: "list[subprocess.Popen[str]]" = []


def comparison(arms: str, seeds: int, *settings: str) -> list[str]:
    """Return the words of a small comparison, but for its folder and how many runs go at a time."""
    chosen = [word for setting in (*SMALL, *settings) for word in ("--set", setting)]
    return ["compare", "bijection:n=20", "--arms", arms, "--seeds", str(seeds), "--resume", *chosen]


TWO_PACKS = "causal,masked_diffusion+semantic_permutation"  # hence two workers
FOUR_RUNS = comparison(TWO_PACKS, 2, *LONG)
FOUR_UNSAVED = comparison(TWO_PACKS, 2, *UNSAVED)
ONE_RUN = [*comparison("masked_diffusion", 1, *BRIEF), "--jobs", "1"]


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    """Forks of one process that has imported everything."""
    program = Lives()
    yield program
    program.end()


@pytest.fixture(scope="module")
def four_runs(lives: Lives, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an undisturbed comparison of four runs leaves, page and all."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert 0 == lives.live([*FOUR_RUNS, "--jobs", "1"], folder, drawn=True)["status"]
    return kept(folder)


@pytest.fixture(scope="module")
def one_run(lives: Lives, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[str]]:
    """What an undisturbed comparison of one run leaves, page and all, and each of its touches of the disk."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    ended = lives.live(ONE_RUN, folder, drawn=True)
    assert 0 == ended["status"]
    return kept(folder), ended["touches"]


def is_like(folder: Path, whole: dict[str, Any]) -> None:
    """Check that a comparison holds what an undisturbed one does, to the byte, and nothing else."""
    found = kept(folder)
    assert sorted(whole) == sorted(found)
    assert [] == [name for name in whole if whole[name] != found[name]]
    assert (folder / "report.html").read_text().rstrip().endswith("</html>")


def complaint(said: list[str]) -> str:
    """Return the one line that was said, progress left out."""
    (line,) = (line for line in said if "% done" not in line)
    return line


# --- killed -------------------------------------------------------------------------------------------------------


def test_killed_at_twenty_random_times_a_comparison_ends_the_same(
    lives: Lives, four_runs: dict[str, Any], tmp_path: Path
) -> None:
    """Killed without warning twenty times, a comparison of four runs loses nothing and repeats to the same bytes."""
    chance, folder, words = random.Random(0), tmp_path / "run", [*FOUR_RUNS, "--jobs", "1"]
    longest = lives.live(words, tmp_path / "another", drawn=True)["seconds"] / 5
    killed, seen = 0, set()
    while killed < 20:
        ended = lives.live(words, folder, after=chance.uniform(0, longest), drawn=True)
        assert ended["status"] in (0, -signal.SIGKILL), ended["said"]
        longest *= 1 if ended["status"] else 0.8  # it came to its end before the blow
        killed += ended["status"] != 0
        seen |= {re.sub(r"\d+", "#", path.name) for path in folder.rglob("*")}
    assert 0 == lives.live(words, folder, drawn=True)["status"]
    is_like(folder, four_runs)
    assert "checkpoint-#" in seen, "the blows fell before or after everything"


def one_of_each(touches: list[str]) -> list[int]:
    """Return one touch, counted from 1, of each kind: what is done at each step or to each figure is one kind."""
    kinds: dict[str, list[int]] = {}
    for number, name in enumerate(touches, 1):
        kinds.setdefault(re.sub(r"\d+|(?<=figures/\.)[a-z-]+\.\w+", "#", name), []).append(number)
    chance = random.Random(0)
    return sorted(chance.choice(numbers) for numbers in kinds.values())


def is_drawing(touches: list[str], number: int) -> bool:
    """Whether a touch, counted from 1, is one of the page's and its figures'."""
    return number >= next(n for n, name in enumerate(touches, 1) if "figures" in name and not name.startswith("open"))


def resumes(lives: Lives, folder: Path, whole: dict[str, Any]) -> None:
    """Let a comparison of one run end; the page is drawn only where it had been begun."""
    drawn = (folder / "figures").exists()
    ended = lives.live(ONE_RUN, folder, drawn=drawn)
    assert 0 == ended["status"], ended["said"]
    pages = {name for name in whole if name.startswith(("figures", "report.html"))} if not drawn else set()
    found = kept(folder)
    assert sorted(set(whole) - pages) == sorted(found)
    assert [] == [name for name in found if whole[name] != found[name]]


@pytest.mark.parametrize("power", [True, False], ids=["power cut", "kill"])
def test_killed_at_any_touch_of_the_disk_a_comparison_ends_the_same(
    power: bool, lives: Lives, one_run: tuple[dict[str, Any], list[str]], tmp_path: Path
) -> None:
    """Before every kind of opening, syncing, renaming and removing; with the power, what was not synced goes too."""
    whole, touches = one_run
    points = one_of_each(touches)
    assert len(points) > 45
    for number in points if power else points[::9]:
        folder, lose = tmp_path / str(number), number if power else None
        ended = lives.live(ONE_RUN, folder, at=number, lose=lose, drawn=is_drawing(touches, number))
        assert -signal.SIGKILL == ended["status"], touches[number - 1]
        resumes(lives, folder, whole)


def test_two_power_cuts_are_as_good_as_one(
    lives: Lives, one_run: tuple[dict[str, Any], list[str]], tmp_path: Path
) -> None:
    """What a resumed run puts in order before its first step is safe as well."""
    whole, touches = one_run
    saved = next(number for number, name in enumerate(touches, 1) if name.endswith("/model"))
    begun = next(number for number, name in enumerate(touches, 1) if "metrics.jsonl" in name)
    for number in range(begun - 2, begun + 10, 2):
        folder = tmp_path / str(number)
        for at in (saved, number):
            assert -signal.SIGKILL == lives.live(ONE_RUN, folder, at=at, lose=number)["status"]
        resumes(lives, folder, whole)


# --- asked to stop, or out of room --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_asked_to_stop_at_any_touch_of_the_disk_it_says_so(
    number: str, lives: Lives, one_run: tuple[dict[str, Any], list[str]], tmp_path: Path
) -> None:
    """Before, in and after the runs: status 130, one sentence, and the folder resumes to the same bytes."""
    whole, touches = one_run
    for at in random.Random(number).sample(one_of_each(touches), 7):
        folder = tmp_path / str(at)
        ended = lives.live(ONE_RUN, folder, at=at, blow=number, drawn=is_drawing(touches, at))
        assert 130 == ended["status"], (touches[at - 1], ended["said"])
        assert complaint(ended["said"]).startswith("Stopped.") and "--resume" in complaint(ended["said"])
        resumes(lives, folder, whole)


def test_out_of_room_at_any_touch_of_the_disk_it_says_so(
    lives: Lives, one_run: tuple[dict[str, Any], list[str]], tmp_path: Path
) -> None:
    """Whatever cannot be written, status 2 and one sentence; with room again, the same bytes."""
    whole, touches = one_run
    points = [number for number in one_of_each(touches) if touches[number - 1].split()[0] in NEEDS_ROOM]
    for at in (*points[::3], points[-1]):
        folder = tmp_path / str(at)
        ended = lives.live(ONE_RUN, folder, at=at, blow="ENOSPC", drawn=is_drawing(touches, at))
        assert 2 == ended["status"], (touches[at - 1], ended["said"])
        says = complaint(ended["said"])
        assert str(folder) in says and "No space left on device. Free space" in says and "--resume" in says
        assert [] == list(folder.rglob(".checkpoint*")), "half a checkpoint takes room that is wanted"
        resumes(lives, folder, whole)


@pytest.mark.parametrize("name", ["state.safetensors", "model.safetensors", "results.parquet", "report.html"])
def test_what_libraries_write_past_python_runs_out_of_room_as_politely(
    name: str, lives: Lives, one_run: tuple[dict[str, Any], list[str]], tmp_path: Path
) -> None:
    """The system refuses to let a file grow, in weights, table and page: one sentence, and the folder resumes."""
    whole, _ = one_run
    sizes = {path: len(content) for path, content in whole.items() if isinstance(content, bytes)}
    folder, words = tmp_path / "run", ONE_RUN
    if name in ("results.parquet", "report.html"):  # smaller than what came before it
        assert 0 == lives.live(words, folder, drawn=True)["status"]
        largest = (folder / name).stat().st_size - 100 if name == "report.html" else 9000
        for path in folder.glob("*.parquet"):
            path.unlink()
    else:
        (weights,) = (size for path, size in sizes.items() if path.endswith("model.safetensors"))
        largest = weights - 1 if name == "model.safetensors" else weights + 500
    ended = lives.live(words, folder, largest=largest, drawn=True)
    assert 2 == ended["status"], ended["said"]
    says = complaint(ended["said"])
    assert str(folder) in says and "File too large. Free space" in says and "--resume" in says
    resumes(lives, folder, whole)


# --- real processes, with workers ---------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Kill what a failing test has started."""
    yield
    for process in STARTED:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    STARTED.clear()


def launch(folder: Path, words: Sequence[str] = FOUR_RUNS, jobs: int = 2, **options: Any) -> "subprocess.Popen[str]":
    """Start a comparison of four runs in a process of its own, which starts its workers."""
    STARTED.append(start(*words, "--jobs", jobs, "-o", folder, **options))
    return STARTED[-1]


def members(group: int) -> list[int]:
    """Return the processes of a group that are alive."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                found.append(int(path.parent.name))
    return sorted(found)


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: it never is.
    """
    deadline = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError("nothing happened")
        time.sleep(0.005)


def measured(folder: Path) -> int:
    """How many measurements all runs have written."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*/metrics.jsonl"))


def is_done(process: "subprocess.Popen[str]") -> tuple[int, list[str]]:
    """Wait until a process and all it has started are gone, and return its status and what it said."""
    _, err = process.communicate(timeout=PATIENCE)
    wait_for(lambda: not members(process.pid))
    return process.returncode, err.splitlines()


def finish(lives: Lives, folder: Path, whole: dict[str, Any], words: Sequence[str] = FOUR_RUNS) -> None:
    """Resume without workers until the comparison is done, and check it."""
    ended = lives.live([*words, "--jobs", "1"], folder, drawn=True)
    assert 0 == ended["status"], ended["said"]
    is_like(folder, whole)


def test_with_workers_a_killed_comparison_ends_the_same(
    lives: Lives, four_runs: dict[str, Any], tmp_path: Path
) -> None:
    """Killed while it imports, all at once, or parent or worker alone: nobody lingers, and nothing is lost."""
    folder = tmp_path / "run"
    process = launch(folder)
    time.sleep(random.Random(0).uniform(0.1, 1.0))
    os.killpg(process.pid, signal.SIGKILL)
    assert -signal.SIGKILL == is_done(process)[0]

    process = launch(folder)
    wait_for(lambda: measured(folder) >= 2)
    os.killpg(process.pid, signal.SIGKILL)
    assert -signal.SIGKILL == is_done(process)[0]

    before, process = measured(folder), launch(folder)
    wait_for(lambda: measured(folder) > before)
    *_, worker = (pid for pid in members(process.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(worker, signal.SIGKILL)
    assert 0 == is_done(process)[0], "its task is tried again by a fresh worker"
    finish(lives, folder, four_runs)


def stopped_packs(folder: Path) -> dict[str, tuple[list[int], int]]:
    """Return each pack that has begun and not ended: the steps of its checkpoints, and the last it measured."""
    packs: dict[str, list[Path]] = {}
    for row in map(json.loads, (folder / "manifest.jsonl").read_text().splitlines()):
        if (folder / row["run_id"] / "config.yaml").exists():
            packs.setdefault(row["pack"], []).append(folder / row["run_id"])
    found = {}
    for name, runs in packs.items():
        if not all((run / "result.json").exists() for run in runs):
            saved = sorted(int(path.name.split("-")[1]) for path in folder.glob(f"packs/{name}/*/checkpoint-*"))
            rows = [json.loads(line) for run in runs for line in (run / "metrics.jsonl").read_text().splitlines()]
            found[name] = saved, max((row["step"] for row in rows), default=0)
    return found


def test_with_workers_a_comparison_that_is_asked_to_stop_saves_its_state(lives: Lives, tmp_path: Path) -> None:
    """Ctrl-C to all while workers import, a polite kill of the parent later: one sentence, and nothing is lost.

    A run has no state of its own here: it trains in a pack, which saves the state of all its runs in its own folder.
    """
    whole, folder = tmp_path / "whole", tmp_path / "run"
    assert 0 == lives.live([*FOUR_UNSAVED, "--jobs", "1"], whole, drawn=True)["status"]
    process = launch(folder, FOUR_UNSAVED)
    wait_for(lambda: len(members(process.pid)) >= 4)  # the parent, two workers, and who tracks their resources
    os.killpg(process.pid, signal.SIGINT)
    status, said = is_done(process)
    assert (130, True) == (status, complaint(said).startswith("Stopped. Finished runs are kept"))

    process = launch(folder, FOUR_UNSAVED)
    wait_for(lambda: measured(folder) >= 2)
    process.terminate()
    status, said = is_done(process)
    assert (130, True) == (status, complaint(said).startswith("Stopped. Finished runs are kept"))
    stopped = stopped_packs(folder)
    assert stopped, "every pack came to its end before it was asked"
    assert all(saved and saved[-1] >= last for saved, last in stopped.values()), stopped
    finish(lives, folder, kept(whole), FOUR_UNSAVED)


def test_a_full_disk_stops_workers_with_one_sentence(lives: Lives, four_runs: dict[str, Any], tmp_path: Path) -> None:
    """What a worker cannot write stops the others too; with room again the comparison ends the same."""
    import resource

    folder = tmp_path / "run"
    n_bytes = len(four_runs["exam.json"]) + 50
    process = launch(folder, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes)))
    status, said = is_done(process)
    assert 2 == status, said
    assert "File too large" in complaint(said) and str(folder) in complaint(said) and "--resume" in complaint(said)
    finish(lives, folder, four_runs)


def test_a_living_comparison_keeps_its_folder(lives: Lives, tmp_path: Path) -> None:
    """A second comparison is sent away with the first one's process and host; a dead one's folder is free."""
    folder = tmp_path / "run"
    first = launch(folder, jobs=1)
    wait_for(lambda: measured(folder) > 0)
    os.kill(first.pid, signal.SIGSTOP)
    second = lives.live([*FOUR_RUNS, "--jobs", "1"], folder)
    assert 2 == second["status"]
    assert f"{folder} is in use by process {first.pid} on {socket.gethostname()}." in complaint(second["said"])
    assert ["os.mkdir .", "open .lock"] == second["touches"], "it disturbed the first one"
    first.kill()
    is_done(first)
    assert first.pid == json.loads((folder / ".lock").read_text())["pid"]
    assert 0 == lives.live([*FOUR_RUNS, "--jobs", "1"], folder)["status"]


# --- a folder that cannot be written ------------------------------------------------------------------------------


def obey_permissions() -> None:
    """Let root be refused what others are, in a process about to start: it gives up two rights over files."""
    drop, override, search = 24, 1, 2
    for right in (override, search):
        ctypes.CDLL(None).prctl(drop, right, 0, 0, 0)


def test_a_read_only_folder_is_one_sentence_and_resumes_when_it_is_not(
    lives: Lives, four_runs: dict[str, Any], tmp_path: Path
) -> None:
    """A half-made comparison whose folders may only be read stays as it is, and goes on once they may be written."""
    folder = tmp_path / "run"
    assert 130 == lives.live([*FOUR_RUNS, "--jobs", "1"], folder, at=150, blow="SIGTERM")["status"]
    before = kept(folder)
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        status, said = is_done(launch(folder, preexec_fn=obey_permissions))
    finally:
        for path in everything:
            path.chmod(path.stat().st_mode | 0o200)
    assert 2 == status, said
    assert str(folder) in complaint(said) and "Permission denied" in complaint(said)
    assert before == kept(folder)
    finish(lives, folder, four_runs)
