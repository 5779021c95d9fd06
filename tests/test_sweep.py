"""Sweeps: what a file may say, how runs are planned and packed, and what a folder keeps."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.command_line import Done, bothways, start
from tests.sweeps import TINY, manifest, results, tiny, write
from tests.test_bad_input import is_refused, largest_file

ONE = tiny(seeds=1, grid={"training.learning_rate": [0.001]})
"""A sweep of one run."""


def run_sweep(file: Path, out: Path, *words: str | int) -> Done:
    """Run a sweep in this process, one run at a time unless the words say otherwise."""
    jobs = () if "--jobs" in words else ("--jobs", 1)
    return bothways("sweep", file, "-o", out, *jobs, *words)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Done]:
    """A finished tiny sweep: its file, its folder, and how the command ended."""
    folder = tmp_path_factory.mktemp("swept")
    file = write(folder, tiny())
    return file, folder / "out", run_sweep(file, folder / "out", "--json")


# --- the file -----------------------------------------------------------------------------------------------------

SMALL = "facts: bijection:n=20\n"
"""Facts whose exam is made in no time."""
BAD = {
    "empty": ("", "must hold names and values"),
    "a list": ("[1, 2]", "must hold names and values"),
    "not YAML": ("arms: [causal\nseeds: 2", "line 2: not YAML"),
    "two documents": ("seeds: 2\n---\nseeds: 3\n", "not YAML (but found another document)"),
    "alias": ("grid: &x {split: [1]}\nzip: *x", "line 1: an anchor or alias"),
    "python": ("name: !!python/object/apply:os.system [ls]", "line 1: a value of the type"),
    "date": ("name: 2020-01-01", "a value of the type 'timestamp'"),
    "merge": ("grid: {<<: {split: [1]}}", "a value of the type 'merge'"),
    "deep": ("grid: " + "[" * 20 + "]" * 20, "nested too deeply"),
    "key twice": ("seeds: 2\nseeds: 3", "line 2: the key 'seeds' comes twice"),
    "axis twice": ("grid:\n  split: [1]\n  split: [2]", "line 3: the key 'split' comes twice"),
    "a list as key": ("? [a]\n: 1", "a key must be a name"),
    "unknown key": ("arm: [causal]", "Did you mean 'arms'"),
    "unknown arm": ("arms: [casual]", "Did you mean 'causal'"),
    "no arm": ("arms: []", "arms: must be a list of names"),
    "arm twice": ("arms: [causal, causal]", "named twice"),
    "arm a number": ("arms: [3]", "arms: must be a list of names"),
    "unknown setting": (SMALL + "grid: {training.learing_rate: [1]}", "Did you mean 'learning_rate'"),
    "unknown base setting": (SMALL + "set: {training.stps: 1}", "Did you mean 'steps'"),
    "a group": (SMALL + "grid: {training: [1]}", "a group of settings"),
    "value": (SMALL + "grid: {training.steps: [few]}", "training.steps cannot be 'few'"),
    "truth for a number": (SMALL + "grid: {training.steps: [yes]}", "cannot be true: it is a number"),
    "no list": ("grid: {training.steps: 3}", "grid: training.steps: must be a list"),
    "empty list": ("grid: {training.steps: []}", "grid: training.steps: must be a list of at least one value"),
    "list in list": ("grid: {training.steps: [[1]]}", "a value must be a number, a text or true or false"),
    "null": ("grid: {training.steps: [~]}", "a value must be a number, a text or true or false"),
    "value twice": ("grid: {training.steps: [3, 3]}", "the value 3 comes twice"),
    "value twice in disguise": (SMALL + "grid: {training.learning_rate: [0.001, 1e-3]}", "the same run as where"),
    "grid no mapping": ("grid: [1]", "grid: must hold names and values"),
    "unequal zip": ("zip: {training.steps: [1, 2], split: [1]}", "training.steps has 2, split has 1"),
    "axis in both": ("grid: {split: [1]}\nzip: {split: [1]}", "zip: split is an axis of grid too"),
    "combination": (SMALL + "grid: {model.d_model: [64, 18]}", "where model.d_model=18: n_heads must divide d_model"),
    "path in name": ("name: ../out", "name: must be made of letters"),
    "absolute name": ("name: /etc", "name: must be made of letters"),
    "name a list": ("name: [a]", "name: must be made of letters"),
    "no seeds": ("seeds: 0", "seeds: must be a whole number from 1"),
    "seeds a text": ("seeds: many", "seeds: must be a whole number"),
    "seeds a list": ("seeds: [1, 2]", "seeds: must be a whole number"),
    "split": ("split: -1", "split: must be a whole number from 0"),
    "split axis": ("grid: {split: [0.5]}", "grid: split: must be a whole number"),
    "seed axis": ("grid: {seeds.init: [1]}", "each arm and seed decides this anew"),
    "objective axis": ("grid: {objective.rate: [1]}", "each arm and seed decides this anew"),
    "arm axis": ("grid: {arms: [causal]}", "each arm and seed decides this anew"),
    "too many": ("seeds: 1000\ngrid: {split: [" + ",".join(map(str, range(200))) + "]}", "600,000 runs, more than"),
    "facts a list": ("facts: [family]", "facts: must be a text"),
    "no facts": ("facts: famly", "Did you mean 'family'"),
    "facts option": ("grid: {facts.n_familes: [3]}", "Did you mean 'n_families'"),
    "facts value": ("grid: {facts.n_families: [few]}", "cannot be 'few'"),
    "facts in set": ("set: {facts.n_families: 3}", "is no setting of the recipe"),
    "facts twice": ("grid: {facts: [family], facts.n_families: [3]}", "both facts and an option"),
    "line end": ('facts: "a\\nb"', "facts: must be a text"),
    "surrogate": ('facts: "\\ud800"', "facts: must be a text"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["run", "dry"])
def test_a_bad_file_is_refused(case: str, dry: tuple[str, ...], tmp_path: Path) -> None:
    """One sentence names the file, the place and what to do, and nothing is written."""
    content, says = BAD[case]
    done = run_sweep(write(tmp_path, content), tmp_path / "out", *dry)
    is_refused(done, str(tmp_path / "sweep.yaml"), says)
    assert not (tmp_path / "out").exists()


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder, bytes that are no text, and a file nobody wrote by hand."""
    is_refused(run_sweep(tmp_path / "none.yaml", tmp_path / "out"), "none.yaml does not exist")
    is_refused(run_sweep(tmp_path, tmp_path / "out"), "is no file")
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff")
    is_refused(run_sweep(tmp_path / "bytes.yaml", tmp_path / "out"), "is not UTF-8 at byte 6")
    (tmp_path / "large.yaml").write_bytes(b"#" * 200_000)
    is_refused(run_sweep(tmp_path / "large.yaml", tmp_path / "out"), "is larger than")


def test_options_of_facts_that_are_a_file_cannot_be_varied(tmp_path: Path) -> None:
    (tmp_path / "facts.csv").write_text("head,relation,tail\nAnn,likes,Bob\n")
    file = write(tmp_path, {"facts": str(tmp_path / "facts.csv"), "grid": {"facts.n": [3]}})
    is_refused(run_sweep(file, tmp_path / "out"), "facts.csv is no world and has no options")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--executor", "rays"), "Did you mean 'ray'"),
        (("--executor", "process:retry=1"), "Did you mean 'retries'"),
        (("--executor", "slurm:cluster=moon"), "'slurm' or 'local'"),
        (("--jobs", 0), "jobs must be at least 1"),
    ],
)
def test_a_bad_executor_is_refused(words: tuple[str | int, ...], says: str, tmp_path: Path) -> None:
    is_refused(run_sweep(write(tmp_path, ONE), tmp_path / "out", *words), says)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "needs"), [("ray", "ray"), ("slurm", "submitit")])
def test_a_missing_package_is_named_with_how_to_install_it(
    name: str, needs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, needs, None)
    done = run_sweep(write(tmp_path, ONE), tmp_path / "out", "--executor", name)
    assert (2, 1) == (done.status, len(done.complaint))
    assert f"needs the package {needs}" in done.err
    assert f"pip install 'bothways[{name}]'" in done.err


# --- planning -----------------------------------------------------------------------------------------------------

SETTINGS = ("training.steps", "training.warmup", "batches.batch_size", "model.n_layers", "split")
VALUES = st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True)


@given(grid=st.dictionaries(st.sampled_from(SETTINGS), VALUES, max_size=3), n=st.integers(0, 3))
def test_every_combination_comes_once(grid: dict[str, list[int]], n: int) -> None:
    """The cells are the product of the axes, with zipped ones walked side by side."""
    from bothways.sweeps.spec import parse_spec

    zipped = {"model.d_model": list(range(n)), "model.d_mlp": list(range(n))} if n else {}
    spec = parse_spec({"grid": grid, "zip": zipped}, "sweep", "sweep")
    sides = [((i, i) if n else ()) for i in range(max(1, n))]
    expected = [(*cell, *side) for cell, side in product(product(*grid.values()), sides)]
    cells = [tuple(cell.values()) for cell in spec.cells()]
    assert expected == cells
    assert spec.n_cells == len(cells) == len(set(cells))


SHAPES = st.tuples(
    st.sampled_from(["causal", "masked_lm", "both_directions"]),
    st.integers(0, 9),
    st.sampled_from([16, 20, 64]),
    st.sampled_from([0.001, 0.002]),
    st.sampled_from(["one.json", "other.json"]),
)


def planned(shapes: list[tuple[str, int, int, float, str]]) -> list[Any]:
    """Runs of given arm, seed, width, learning rate and exam."""
    from bothways.arms import parse_arm
    from bothways.config import RunConfig, change
    from bothways.runs import Planned

    runs = []
    for arm, seed, width, rate, exam in shapes:
        base = change(RunConfig(), {"model.d_model": width, "training.learning_rate": rate})
        run_id = f"{arm}-{seed}-{width}-{rate}-{exam}"
        about = {"run_id": run_id, "arm": arm, "objective": arm, "mitigation": None, "seed": seed}
        config = parse_arm(arm).config(base, seed)
        size = (len(exam), 20)  # in entities and facts: exams of one size may share a pack
        runs.append(Planned(run_id, arm, seed, config, Path("out") / run_id, about, Path("out/exams") / exam, size))
    return runs


@given(shapes=st.lists(SHAPES, max_size=30, unique=True), pack=st.integers(1, 5) | st.none())
def test_packs_partition_the_runs(shapes: list[tuple[str, int, int, float, str]], pack: int | None) -> None:
    """Every run is in one pack, in order; a pack's runs have one shape and size of exam, and no pack is too large."""
    from bothways.sweeps.packs import make_tasks, pack_size, shape

    runs = planned(shapes)
    tasks = make_tasks(runs, pack)
    place = {run.run_id: n for n, run in enumerate(runs)}
    assert sorted(place) == sorted(run.run_id for task in tasks for run in task.runs)
    assert len({task.name for task in tasks}) == len(tasks)
    for task in tasks:
        assert len(task.runs) <= (pack or pack_size(task.runs[0].config, len(runs)))
        assert [run.run_id for run in task.runs] == sorted((run.run_id for run in task.runs), key=place.__getitem__)
        assert 1 == len({shape(run) for run in task.runs}) == len({run.size for run in task.runs})
        assert 1 == len({(run.config.objective, run.config.model.d_model) for run in task.runs})
        assert (task.name == task.runs[0].run_id) == (len(task.runs) == 1)


def test_runs_of_one_shape_share_a_pack() -> None:
    """Seed, learning rate, text and an exam of the same size may differ; objective, width and size may not."""
    from bothways.sweeps.packs import make_tasks

    alike = [("causal", 0, 16, 0.001, "a"), ("causal", 1, 16, 0.002, "a"), ("both_directions", 0, 16, 0.001, "a")]
    assert [3] == [len(task.runs) for task in make_tasks(planned(alike))]
    assert [4] == [len(task.runs) for task in make_tasks(planned([*alike, ("causal", 0, 16, 0.001, "b")]))]
    other = [("masked_lm", 0, 16, 0.001, "a"), ("causal", 0, 20, 0.001, "a"), ("causal", 0, 16, 0.001, "larger")]
    assert [3, 1, 1, 1] == [len(task.runs) for task in make_tasks(planned(alike + other))]


@given(
    old=st.lists(SHAPES, max_size=20, unique=True), new=st.lists(SHAPES, max_size=20, unique=True), turn=st.booleans()
)
def test_a_manifest_keeps_the_packs_it_settled(
    old: list[Any], new: list[Any], turn: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """However a plan grows or is turned round, packs that were settled keep their members, in their order."""
    from bothways.sweeps.manifest import in_order, packs_of, read_manifest, write_manifest
    from bothways.sweeps.packs import make_tasks, settle_tasks

    folder = tmp_path_factory.mktemp("manifest")
    before = make_tasks(planned(old))
    write_manifest(folder, before, [run.run_id for run in planned(old)])
    rows = read_manifest(folder)
    grown = planned(list(dict.fromkeys([*new, *old] if turn else [*old, *new])))
    by_id = {run.run_id: run for run in grown}
    order = in_order(list(by_id), rows)
    after = settle_tasks([by_id[run_id] for run_id in order], packs_of(rows))
    members = {task.name: [run.run_id for run in task.runs] for task in after}
    assert {task.name: [run.run_id for run in task.runs] for task in before}.items() <= members.items()
    assert sorted(by_id) == sorted(run_id for ids in members.values() for run_id in ids) == sorted(order)


def test_a_damaged_manifest_is_refused(swept: tuple[Path, Path, Done], tmp_path: Path) -> None:
    from bothways.errors import RunError
    from bothways.sweeps.manifest import read_manifest

    for content in ("{", "[]", '{"arm": "causal"}', "\udcff"):
        (tmp_path / "manifest.jsonl").write_text(content, encoding="utf-8", errors="surrogateescape")
        with pytest.raises(RunError, match=r"manifest.jsonl was altered or cut short\. Remove it"):
            read_manifest(tmp_path)


def test_axes_reach_facts_split_and_settings(tmp_path: Path) -> None:
    """Every kind of axis changes what it names, and is known by its natural type."""
    from bothways.commands.sweep import make_sweep_plan

    grid = {"facts.n": [20, "24"], "split": [0, 1], "training.learning_rate": ["1e-3"], "training.precision": ["fp32"]}
    plan = make_sweep_plan(tiny(grid=grid, seeds=1), tmp_path / "out")
    assert plan.axis_values() == {
        "facts.n": [20, 24],
        "split": [0, 1],
        "training.learning_rate": [0.001],
        "training.precision": ["fp32"],
    }
    assert 4 == len(plan.runs) == len(plan.exams) == len({run.exam for run in plan.runs})
    assert {20, 24} == {len(exam.facts.facts) for exam in plan.exams.values()}
    assert [] == list(tmp_path.iterdir())


def test_settings_that_fit_only_together_are_set_together(tmp_path: Path) -> None:
    """A width that the recipe's heads do not divide may come with heads that do."""
    from bothways.commands.sweep import make_sweep_plan

    data = tiny(seeds=1, grid={}, zip={"model.d_model": [18, 64], "model.n_heads": [3, 4]})
    plan = make_sweep_plan(data, tmp_path / "out")
    assert [(18, 3), (64, 4)] == [(run.config.model.d_model, run.config.model.n_heads) for run in plan.runs]


# --- the command --------------------------------------------------------------------------------------------------


def test_json_is_one_object(swept: tuple[Path, Path, Done]) -> None:
    """Standard output holds exactly the promised object; progress goes to standard error."""
    _, out, done = swept
    assert 0 == done.status
    assert done.json == {
        "schema": 1,
        "run": str(out),
        "planned": 8,
        "done": 8,
        "failed": 0,
        "seconds": done.json["seconds"],
        "results": str(out / "results.parquet"),
    }
    assert [] == done.complaint
    assert "100% done, runs: 8 done" in done.err


def test_the_table_has_a_row_for_each_run(swept: tuple[Path, Path, Done]) -> None:
    """Axes stand under their own names and types, scores under kind and measure."""
    import pandas

    _, out, _ = swept
    table = pandas.read_parquet(out / "results.parquet")
    rows = manifest(out)
    assert [row["run_id"] for row in rows] == list(table.run_id)
    assert [row["axes"]["model.d_model"] for row in rows] == list(table["model.d_model"])
    assert ("int64", "float64") == (str(table["model.d_model"].dtype), str(table["training.learning_rate"].dtype))
    for row in table.itertuples(index=False):
        result = json.loads((out / row.run_id / "result.json").read_text())
        found = table[table.run_id == row.run_id].iloc[0]
        assert ("done", result["loss"], result["steps"]) == (found.status, found.loss, found.steps)
        for kind, scores in result["scores"].items():
            measured = {name: found[f"{kind}.{name}"] for name in ("accuracy", "nll", "median_rank", "n")}
            assert measured == {name: scores[name] for name in measured}
    assert table.error.isna().all() and table.known_at.isna().all()


def test_the_folder_says_what_it_is(swept: tuple[Path, Path, Done]) -> None:
    """`sweep.json` repeats the file, with axes, arms and seeds; the manifest gives each run its exam and pack."""
    file, out, _ = swept
    about = json.loads((out / "sweep.json").read_text())
    assert {"model.d_model": [16, 48], "training.learning_rate": [0.001, 0.004]} == about["axes"]
    assert (1, ["causal"], [0, 1]) == (about["schema"], about["arms"], about["seeds"])
    assert tiny()["grid"] == about["spec"]["grid"]
    assert f"bothways sweep {file} -o {out}" == about["command"]
    rows = manifest(out)
    assert [4, 1, 1, 1, 1] == sorted(sum(r["pack"] == p for r in rows) for p in {r["pack"] for r in rows})[::-1]
    assert {True} == {(out / row["exam"]).exists() for row in rows}


def test_a_sweep_from_python(tmp_path: Path) -> None:
    """A notebook gives the file's content and gets the table."""
    import bothways

    done = bothways.sweep(ONE, out=tmp_path / "out", jobs=1)
    assert (1, 1, 0) == (done.planned, done.done, done.failed)
    assert [0.001] == list(done.to_pandas()["training.learning_rate"])


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """Runs, cells and packs are counted, and the cost is guessed."""
    file = write(tmp_path, tiny())
    found = run_sweep(file, tmp_path / "out", "--dry-run", "--json").json
    assert (8, 4, 5, 1, 1) == tuple(found[key] for key in ("runs", "cells", "packs", "exams", "jobs"))
    assert found["seconds"] > 0 and found["disk_mb"] > 0
    said = run_sweep(file, tmp_path / "out", "--dry-run").out
    assert "8 runs of 4 cells in 5 packs" in said and "Nothing was written" in said
    assert [file] == list(tmp_path.iterdir())


def test_a_second_sweep_in_a_folder_needs_resume(swept: tuple[Path, Path, Done]) -> None:
    """A finished sweep is left as it is; resumed, it repeats nothing."""
    file, out, _ = swept
    is_refused(run_sweep(file, out), "already holds a sweep", "--resume")
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/result.json")}
    assert 0 == run_sweep(file, out, "--resume").status
    assert before == {path: path.stat().st_mtime_ns for path in out.glob("*/result.json")}


def test_a_sweep_may_grow_but_not_change(tmp_path: Path) -> None:
    """More seeds or values train new runs only; other settings are refused."""
    out = tmp_path / "out"
    assert 0 == run_sweep(write(tmp_path, ONE), out).status
    before, packs = results(out), {row["run_id"]: row["pack"] for row in manifest(out)}
    grown = tiny(seeds=2, grid={"training.learning_rate": [0.002, 0.001]})
    assert 4 == run_sweep(write(tmp_path, grown), out, "--resume", "--json").json["done"]
    assert before.items() <= results(out).items()
    assert packs.items() <= {row["run_id"]: row["pack"] for row in manifest(out)}.items()
    other = tiny(seeds=2, set={**TINY, "training.steps": 20}, grid=grown["grid"])
    is_refused(run_sweep(write(tmp_path, other), out, "--resume"), "may grow but not change")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("")
    for words in ((), ("--resume",)):
        is_refused(run_sweep(write(tmp_path, ONE), tmp_path / "out", *words), "holds no sweep", "-o")
    is_refused(run_sweep(write(tmp_path, ONE), Path("/dev/null")), "is a file")


def test_two_processes_are_told_apart(tmp_path: Path) -> None:
    """Who owns the folder is named by pid and host."""
    from bothways.disk import own

    with own(tmp_path / "out"):
        is_refused(
            run_sweep(write(tmp_path, ONE), tmp_path / "out"), f"process {os.getpid()} on {socket.gethostname()}"
        )


def test_a_failed_run_ends_with_status_3_and_is_tried_again(tmp_path: Path) -> None:
    """The others are done; the table says which failed and why."""
    bad = tiny(seeds=1, set={**TINY, "training.clip": 1e30}, grid={"training.learning_rate": [0.001, 1e30]})
    file, out = write(tmp_path, bad), tmp_path / "out"
    for words in ((), ("--resume",)):
        done = run_sweep(file, out, *words)
        assert 3 == done.status
        assert "1 of 2 runs done" in done.out
        assert "1 run failed, the first with: The loss became" in done.err
    assert 1 == len(results(out))


@pytest.mark.parametrize("n_bytes", [100, 7_000], ids=["plan", "model"])
def test_a_full_disk_is_one_sentence_and_the_folder_can_be_resumed(n_bytes: int, tmp_path: Path) -> None:
    """A disk that takes no more ends the sweep, for every other run would meet it too."""
    file, out = write(tmp_path, ONE), tmp_path / "out"
    with largest_file(n_bytes):
        is_refused(run_sweep(file, out), str(out), "File too large", "Free space", "--resume")
    assert 0 == run_sweep(file, out, *(("--resume",) if out.exists() and any(out.glob("*.json")) else ())).status


def test_ctrl_c_ends_with_130_and_loses_nothing(swept: tuple[Path, Path, Done], tmp_path: Path) -> None:
    """A stopped sweep goes on to the same bytes."""
    data = tiny(seeds=1, set={**TINY, "training.steps": 200}, grid={"model.d_model": [40, 48]})
    file, out = write(tmp_path, data), tmp_path / "out"
    process = start("sweep", file, "-o", out, "--jobs", 2)
    while not list(out.glob("*/metrics.jsonl")) and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=600)
    assert 130 == process.returncode, err
    assert "go on with --resume" in err
    assert 0 == run_sweep(file, out, "--resume").status
    whole = tmp_path / "whole"
    assert 0 == run_sweep(file, whole).status
    assert results(whole) == results(out)


# --- workers that die ---------------------------------------------------------------------------------------------


def killing(times: int) -> Any:
    """Return a progress that kills that many worker processes as it sees them."""
    import contextlib
    import multiprocessing

    killed: set[int] = set()

    def look() -> None:
        for worker in multiprocessing.active_children():
            if worker.pid and worker.pid not in killed and len(killed) < times:
                killed.add(worker.pid)
                os.kill(worker.pid, signal.SIGKILL)

    return lambda runs, cells: contextlib.nullcontext(look)


def test_a_task_whose_worker_died_is_tried_again(tmp_path: Path) -> None:
    """One death costs nothing: its task goes on in a fresh process, and the others never stop."""
    import bothways

    data = tiny(seeds=1, grid={"model.d_model": [40, 48]})
    done = bothways.sweep(data, out=tmp_path / "out", executor="process", jobs=2, progress=killing(1))
    assert (2, 0) == (done.done, done.failed)


def test_a_task_whose_worker_dies_again_is_given_up(tmp_path: Path) -> None:
    """A run that kills its process twice, as one that needs too much memory does, is written down as failed."""
    import bothways

    data = tiny(seeds=1, grid={"model.d_model": [40, 48]})
    done = bothways.sweep(data, out=tmp_path / "out", executor="process", jobs=1, progress=killing(2))
    assert (1, 1) == (done.done, done.failed)
    assert "Its process died" in done.errors[0]
    (failed,) = (tmp_path / "out").glob("*/error.json")
    assert done.errors[0] == json.loads(failed.read_text())["error"]
    again = bothways.sweep(data, out=tmp_path / "out", jobs=1, resume=True)
    assert (2, 0) == (again.done, again.failed)


# --- progress -----------------------------------------------------------------------------------------------------


def test_a_terminal_gets_a_table_of_arms_and_cells(swept: tuple[Path, Path, Done]) -> None:
    """Every arm, cell and all runs are counted by state."""
    from rich.console import Console

    from bothways.commands.sweep import cells_in_words, make_sweep_plan
    from bothways.reports.sweep_progress import Census, draw

    file, out, _ = swept
    plan = make_sweep_plan(file, out)
    missing = plan.runs[0].folder / "result.json"
    kept = missing.read_bytes()
    missing.unlink()
    try:
        console = Console(record=True, width=100, file=open(os.devnull, "w"))  # noqa: SIM115
        console.print(draw(Census(plan.runs), cells_in_words(plan)))
        console.file.close()
    finally:
        missing.write_bytes(kept)
    said = console.export_text()
    rows = {line.rsplit(maxsplit=4)[0]: line.split()[-4:] for line in said.splitlines() if line.endswith(("0", "1"))}
    assert rows["all runs"] == rows["causal"] == ["7", "0", "0", "1"]
    assert rows["d_model 16, learning_rate 0.001"] == ["1", "0", "0", "1"]
    assert 6 == len(rows)


def test_a_sweep_draws_its_table_on_a_terminal(tmp_path: Path) -> None:
    """Where standard error is a terminal the table is there, and standard output stays one JSON object."""
    import pty

    file = write(tmp_path, ONE)
    above, below = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "bothways",
        "sweep",
        str(file),
        "-o",
        str(tmp_path / "out"),
        "--jobs",
        "1",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=below) as process:
        os.close(below)
        drawn = b""
        while True:
            try:
                part = os.read(above, 4096)
            except OSError:  # the other side is closed
                break
            drawn += part
        assert process.stdout is not None
        assert 1 == json.loads(process.stdout.read())["done"]
    os.close(above)
    assert b"all runs" in drawn and b"100% of all steps" in drawn
