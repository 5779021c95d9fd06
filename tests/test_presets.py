"""Scales of a study by their names: chosen, refused, written down, and still two where a study names none."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.command_line import bothways

STEPS = {"laptop": 10, "gpu": 20, "paper": 30}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the little study, and one of three scales."""
    from tests import little_study as module

    from bothways import registry
    from bothways.config import change
    from bothways.studies.base import Scale

    @dataclass(frozen=True)
    class Scaled(module.Little):
        """A little study of three scales."""

        presets: ClassVar[Mapping[str, Scale]] = {
            name: Scale(about=f"{name} things", seeds=n + 1) for n, name in enumerate(STEPS)
        }
        preset: str = ""

        def groups(self, quick: bool) -> Sequence[Any]:
            """Return one group, which trains as long as the scale says."""
            settings = {"training.steps": STEPS[self.at_scale(quick)]}
            return [replace(group, config=change(group.config, settings)) for group in super().groups(quick)]

    monkeypatch.setattr(module, "Scaled", Scaled, raising=False)
    ours = {"little": f"{module.__name__}:Little", "scaled": f"{module.__name__}:Scaled"}
    studies = {**registry.REGISTRY["studies"], **ours}
    monkeypatch.setattr(registry, "REGISTRY", {**registry.REGISTRY, "studies": studies})


@pytest.mark.parametrize(
    ("words", "scale", "quick", "seeds", "folder"),
    [
        ((), "gpu", False, 2, "runs/study-scaled-gpu"),
        (("--quick",), "laptop", True, 1, "runs/study-scaled-laptop"),
        (("--preset", "laptop"), "laptop", True, 1, "runs/study-scaled-laptop"),
        (("--preset", "paper"), "paper", False, 3, "runs/study-scaled-paper"),
        (("--preset", "paper", "--seeds", 1), "paper", False, 1, "runs/study-scaled-paper"),
    ],
)
def test_a_scale_is_chosen_by_its_name(words: Any, scale: str, quick: bool, seeds: int, folder: str) -> None:
    """`--quick` is the first, no option the second; a dry run says which, what it reads, and writes nothing."""
    done = bothways("study", "scaled", *words, "--jobs", 1, "--dry-run", "--json")
    said = done.json
    assert (scale, f"{scale} things", quick) == (said["preset"], said["about"], said["quick"])
    assert (seeds, folder, seeds) == (said["seeds"], said["folder"], said["runs"])
    (group,) = said["groups"]
    assert ("little", seeds, STEPS[scale]) == (group["group"], group["runs"], group["steps"])
    assert group["tokens"] > 0 and said["tokens"] == seeds * STEPS[scale] * group["tokens"]
    assert said["seconds"] == group["seconds"] > 0
    assert not Path(folder).exists()


def test_a_dry_run_in_words_says_what_would_run() -> None:
    """Of a study without presets too."""
    named, quick = (bothways("study", *words, "--dry-run").out for words in (["scaled"], ["little", "--quick"]))
    assert "for the study scaled, preset gpu (gpu things), with 2 seeds:" in named
    assert "little  2 runs of 20 steps of " in named and "Would write runs/study-scaled-gpu. Nothing" in named
    assert "for the study little, quick, with 5 seeds:" in quick and "Would write runs/study-little-quick." in quick


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["scaled", "--preset", "papr"], "Unknown preset of scaled 'papr'. Did you mean 'paper'? Known: laptop, gpu,"),
        (["scaled", "--preset", "gpu", "--quick"], "--quick means --preset laptop. Give one of them."),
        (["little", "--preset", "gpu"], "The study little has no presets, got preset=gpu. Leave out --preset;"),
        (["scaled", "--facts", "family"], "The study scaled takes no models or facts. Leave out --model"),
    ],
)
def test_a_scale_that_is_not_there_is_one_sentence(words: list[str], complaint: str) -> None:
    done = bothways("study", *words)
    assert 2 == done.status and done.complaint[0].startswith(complaint)


def test_a_folder_knows_its_scale(tmp_path: Path) -> None:
    """It is decided and drawn again at that scale, and does not go on at another."""
    folder = tmp_path / "study"
    words = ("study", "scaled", "--seeds", 1, "--jobs", 1, "-o", folder)
    assert 0 == bothways(*words, "--preset", "laptop").status
    about, claims = (json.loads((folder / name).read_text()) for name in ("study.json", "claims.json"))
    assert ("laptop", True, "bothways study scaled --preset laptop --seeds 1") == (
        about["preset"], about["quick"], about["command"],
    )  # fmt: skip
    assert "laptop" == claims["preset"]
    assert "It was run with --preset laptop." in (folder / "report.html").read_text()
    assert 0 == bothways("report", folder).status
    assert 0 == bothways(*words, "--quick", "--resume").status, "it means the same scale"
    refused = bothways(*words, "--preset", "gpu", "--resume")
    assert 2 == refused.status and "holds the study 'bothways study scaled --preset laptop" in refused.complaint[0]
    (folder / "study.json").write_text(json.dumps({**about, "preset": "huge"}))
    assert "Unknown preset of scaled 'huge'" in bothways("report", folder).complaint[0]


def test_a_folder_from_before_presets_goes_on(tmp_path: Path) -> None:
    """Its `study.json` says nothing of a scale, and it is as finished as it was."""
    folder = tmp_path / "study"
    words = ("study", "little", "--quick", "--seeds", 1, "--jobs", 1, "-o", folder)
    assert 0 == bothways(*words).status
    about = json.loads((folder / "study.json").read_text())
    assert "" == about.pop("preset")
    (folder / "study.json").write_text(json.dumps(about))
    before = [path.stat().st_mtime_ns for path in folder.glob("*/result.json")]
    assert 0 == bothways(*words, "--resume").status
    assert before == [path.stat().st_mtime_ns for path in folder.glob("*/result.json")]


def test_presets_are_listed() -> None:
    done = bothways("ls", "studies", "--json")
    listed = {row["name"]: row.get("presets") for row in done.json["studies"]}
    assert ("laptop, gpu, paper", None) == (listed["scaled"], listed["little"])
    assert "presets: laptop, gpu, paper" in bothways("ls", "studies").out
