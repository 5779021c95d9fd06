"""Finished runs that an older version named otherwise are used, and nothing but the same run is."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

OLD = "older-name-s0-12345678"
DAMAGE: dict[str, Callable[[Path], object]] = {
    "no config": lambda run: (run / "config.yaml").unlink(),
    "no yaml": lambda run: (run / "config.yaml").write_text("a: [", encoding="utf-8"),
    "no text": lambda run: (run / "config.yaml").write_bytes(b"\xff\xfe\x00"),
    "no mapping": lambda run: (run / "config.yaml").write_text("- 1\n", encoding="utf-8"),
    "a class of others": lambda run: (run / "config.yaml").write_text("is: os:PathLike\n", encoding="utf-8"),
    "an unknown setting": lambda run: edit_config(run, lambda plain: plain.update(colour="red")),
    "no result": lambda run: (run / "result.json").write_text("{", encoding="utf-8"),
    "no seed": lambda run: edit_result(run, lambda result: result.pop("seed")),
    "a seed that is none": lambda run: edit_result(run, lambda result: result.update(seed=[])),
    "an endless seed": lambda run: edit_result(run, lambda result: result.update(seed=float("inf"))),
    "another run's result": lambda run: edit_result(run, lambda result: result.update(run_id="other")),
}


def edit_config(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a run says of its settings."""
    plain = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    change(plain)
    (run / "config.yaml").write_text(yaml.safe_dump(plain), encoding="utf-8")


def edit_result(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a run says of itself."""
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    change(result)
    (run / "result.json").write_text(json.dumps(result), encoding="utf-8")


def drop_new_settings(plain: dict[str, Any]) -> None:
    """Leave out settings that are at their default, as a version would that did not have them."""
    from bothways.config import from_plain

    before = from_plain(plain)
    del plain["watch"], plain["probes"], plain["training"]["weight_decay"]
    assert before == from_plain(plain), "they are at their default, and still read so"


def planned(folder: Path, seeds: int = 1) -> Any:
    """The plan of the little study, before finished runs are looked for."""
    from tests.little_study import Little

    from bothways.studies.plan import plan_study

    return plan_study("little", Little(), True, seeds, folder, "bothways study little")


def pretend(run: Any, exam: str, name: str) -> Path:
    """Write of a run what tells that it is finished, under a name; nothing is trained."""
    from bothways.config import to_plain

    folder = run.folder.parent / name
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(to_plain(run.config)), encoding="utf-8")
    result = {"run_id": name, "arm": run.arm, "seed": run.seed, "exam": exam}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    return folder


def only(plan: Any) -> tuple[Any, str]:
    """The only run of a plan, and the digest of its exam."""
    (run,) = plan.runs.values()
    return run, plan.exams[run.exam].hash


def test_a_finished_run_keeps_its_older_name(tmp_path: Path) -> None:
    """Everywhere in the plan; its new settings are where the old version had them."""
    from bothways.studies.adopt import adopt

    plan = planned(tmp_path)
    run, exam = only(plan)
    edit_config(pretend(run, exam, OLD), drop_new_settings)
    found = adopt(plan)
    assert {OLD} == set(found.runs) == set(found.axes)
    assert {"little": (OLD,)} == found.groups
    taken = found.runs[OLD]
    assert (OLD, OLD, tmp_path / OLD) == (taken.run_id, taken.about["run_id"], taken.folder)
    assert replace(taken, run_id=run.run_id, folder=run.folder, about=run.about) == run
    assert plan.axes[run.run_id] == found.axes[OLD]
    assert {"little": [OLD]} == found.to_json()["groups"]


def test_of_several_seeds_only_the_finished_one_is_renamed(tmp_path: Path) -> None:
    from bothways.studies.adopt import adopt

    plan = planned(tmp_path, seeds=3)
    ids = plan.groups["little"]
    run = plan.runs[ids[1]]
    pretend(run, plan.exams[run.exam].hash, OLD)
    found = adopt(plan)
    assert (ids[0], OLD, ids[2]) == found.groups["little"]
    assert [ids[0], OLD, ids[2]] == list(found.runs)
    assert [plan.runs[ids[n]] for n in (0, 2)] == [found.runs[ids[n]] for n in (0, 2)]


@pytest.mark.parametrize("other", ["seed", "arm", "exam", "setting"])
def test_another_run_is_not_taken(other: str, tmp_path: Path) -> None:
    """Nor is anything else renamed: the plan is the very same."""
    from bothways.config import change
    from bothways.studies.adopt import adopt

    plan = planned(tmp_path)
    run, exam = only(plan)
    runs = {
        "seed": replace(run, seed=run.seed + 1),
        "arm": replace(run, arm="causal+both_directions"),
        "setting": replace(run, config=change(run.config, {"training.learning_rate": 0.123})),
    }
    pretend(runs.get(other, run), "0" * 64 if other == "exam" else exam, OLD)
    assert plan is adopt(plan)


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_cannot_be_read_is_left_out(damage: str, tmp_path: Path) -> None:
    """And it hides no other: a whole run beside it is taken."""
    from bothways.studies.adopt import adopt

    plan = planned(tmp_path)
    run, exam = only(plan)
    DAMAGE[damage](pretend(run, exam, OLD))
    assert plan is adopt(plan)
    pretend(run, exam, "another-name")
    assert {"another-name"} == set(adopt(plan).runs)


def test_a_run_that_is_finished_under_its_own_name_keeps_it(tmp_path: Path) -> None:
    from bothways.studies.adopt import adopt

    plan = planned(tmp_path)
    run, exam = only(plan)
    for name in (OLD, run.run_id):
        pretend(run, exam, name)
    assert plan is adopt(plan)


@pytest.fixture
def _little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the little study."""
    from tests import little_study as module

    from bothways import registry

    studies = {**registry.REGISTRY["studies"], "little": f"{module.__name__}:Little"}
    monkeypatch.setattr(registry, "REGISTRY", {**registry.REGISTRY, "studies": studies})


@pytest.mark.usefixtures("_little")
def test_a_study_goes_on_with_a_run_of_an_older_name(tmp_path: Path) -> None:
    """It is not trained again, its claims are the same, and so they are once more."""
    from bothways.commands.study import study
    from bothways.runs import seal

    folder = tmp_path / "study"

    def go(resume: bool) -> Any:
        return study("little", quick=True, seeds=1, jobs=1, out=folder, resume=resume)

    done = go(False)
    (path,) = folder.glob("*/result.json")
    new = path.parent.name
    older = path.parent.rename(folder / OLD)
    edit_config(older, drop_new_settings)
    edit_result(older, lambda result: result.update(run_id=OLD))
    edit_result(older, lambda result: result["files"].update({"config.yaml": seal(older / "config.yaml")}))
    for named in ("study.json", "manifest.jsonl"):
        said = (folder / named).read_text(encoding="utf-8")
        assert new in said
        (folder / named).write_text(said.replace(new, OLD), encoding="utf-8")
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in older.rglob("*") if p.is_file() and p.name != ".lock"}
    for _ in range(2):
        assert done.rows == go(True).rows
        assert [OLD] == [p.parent.name for p in folder.glob("*/result.json")]
        assert not (folder / new).exists()
        kept = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in before}
        assert before == kept
        assert {"little": [OLD]} == json.loads((folder / "study.json").read_text(encoding="utf-8"))["groups"]
