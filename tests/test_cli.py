"""The command line from end to end, and the functions of the same names behind it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.command_line import PARTS, TINY, WORLD, Done, bothways, bytes_of, compare, runs_of

KINDS = ("forward", "reverse_tested", "reverse_partner", "reverse_stated", "implied")
LEAVES = {"accuracy", "low", "high", "mrr", "nll", "exact", "median_rank", "n"}
FLIP = {"blind", "blind_low", "blind_high", "specific", "specific_low", "specific_high", "n", "why"}
ARM = {"arm", "objective", "mitigation", "seeds", "failed", *KINDS, "flip", "held_out_nll", "known_at", "steps"}
SUMMARY = {"schema", "run", "facts", "arms", "baselines", "differences", "relations", "settings", "versions"}
FACTS = {"name", "source", "hash", "facts", "entities", "relations", "isolated", "partner", "withheld", "leak"}
DIFFERENCE = {"arm", "reference", "kind", "difference", "low", "high", "p", "p_holm", "equivalent"}
OPTIONS = {
    "compare": {
        "facts", "--arms", "--seeds", "--jobs", "-o", "--out", "--resume", "--set", "--split", "--dry-run", "--json",
        "--device",
    },
    "sweep": {"file", "-o", "--out", "--jobs", "--executor", "--device", "--resume", "--dry-run", "--json"},
    "study": {
        "name", "--quick", "--preset", "--seeds", "--executor", "--jobs", "--model", "--facts", "-o", "--out",
        "--resume", "--ledger", "--dry-run", "--json",
    },
    "ask": {"run", "prompt", "--top", "--json"},
    "report": {"run", "--x", "--y", "--metric"},
    "ls": {"what", "--json"},
    "env": {"--json"},
    "data check": {"facts", "--split", "--json"},
    "data pairs": {"facts", "--exam", "--split", "--json"},
    "data make": {"world", "-o", "--out", "--seed"},
    "data convert": {"source", "-o", "--out"},
}  # fmt: skip
"""Every argument and option of every verb that these tests know."""


def same_summary(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two summaries agree but for times and places."""

    def timeless(summary: dict[str, Any]) -> dict[str, Any]:
        arms = [{key: value for key, value in arm.items() if key != "seconds"} for arm in summary["arms"]]
        return {k: v for k, v in summary.items() if k not in ("run", "command", "seconds", "arms")} | {"arms": arms}

    return timeless(one) == timeless(other)


def summary_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file below a folder with the time it was written and its content."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the run folders in which something was trained, in order."""
    from bothways import pipeline

    names: list[str] = []
    train = pipeline.train

    def note(members: Any, *rest: Any) -> Any:
        names.extend(member.folder.name for member in members)
        return train(members, *rest)

    monkeypatch.setattr(pipeline, "train", note)
    return names


# --- what it offers -----------------------------------------------------------------------------------------------


def verbs() -> dict[str, set[str]]:
    """Return every verb of the program with the names of its arguments and options."""
    import typer

    from bothways.cli import app

    def walk(command: Any, name: str) -> dict[str, set[str]]:
        below = getattr(command, "commands", {})
        if below:
            return {k: v for word, each in below.items() for k, v in walk(each, f"{name} {word}".strip()).items()}
        return {name: {option for p in command.params for option in (*p.opts, *p.secondary_opts)} - {"--help"}}

    return walk(typer.main.get_command(app), "")


def test_options_are_frozen() -> None:
    """The options that a script may stand on stay, and a new one is added here on purpose."""
    found = verbs()
    assert OPTIONS == {name: found[name] for name in OPTIONS}
    assert all(len(options) <= 14 for options in found.values()), "settings go through --set, not through new options"


def test_every_verb_is_a_function_of_the_package() -> None:
    """What can be done on the command line can be done in a notebook, by the same name."""
    import bothways

    for verb in OPTIONS:
        found: Any = bothways
        for word in verb.split():
            found = getattr(found, word)
        assert callable(found)


def test_help_is_quick() -> None:
    """Help of any verb answers without loading what trains models."""
    code = (
        "import sys\nfrom bothways.cli import main\n"
        "for words in (['--help'], ['compare', '--help'], ['sweep', '--help'], ['data', 'make', '--help']):\n"
        "    try: main(words)\n"
        "    except SystemExit as end: assert not end.code\n"
        "print(sorted({'torch', 'pandas', 'matplotlib', 'rdflib', 'ray', 'submitit'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert "[]" == said.stdout.splitlines()[-1]
    assert all(f" {verb.split()[0]} " in said.stdout for verb in OPTIONS)


# --- compare ------------------------------------------------------------------------------------------------------


def test_json_is_one_object_of_the_promised_shape(finished: tuple[Path, Done]) -> None:
    """Standard output holds one JSON object with every key of the schema, and nothing else."""
    folder, done = finished
    assert 0 == done.status
    assert 1 == len(done.out.splitlines())
    found = done.json
    assert found == summary_of(folder)
    assert {*SUMMARY, "command", "seconds"} == set(found)
    assert {*FACTS, "implied", "notes", "notices"} == set(found["facts"])
    assert ["causal", "both_directions"] == [arm["arm"] for arm in found["arms"]]
    for arm in found["arms"]:
        assert {*ARM, "seconds"} == set(arm)
        assert (2, 0) == (arm["seeds"], arm["failed"])
        for kind in KINDS:
            assert set(arm[kind]) == LEAVES
            if kind == "implied":  # families imply nothing
                assert (0, None) == (arm[kind]["n"], arm[kind]["accuracy"])
                continue
            assert 0 <= arm[kind]["low"] <= arm[kind]["accuracy"] <= arm[kind]["high"] <= 1
        assert set(arm["flip"]) == FLIP
    assert found["differences"]
    assert all(set(row) == DIFFERENCE for row in found["differences"])
    assert {"chance", "most_frequent", "copied_words"} <= {row["baseline"] for row in found["baselines"]}
    assert all({"baseline", "kind", "accuracy"} == set(row) for row in found["baselines"])
    assert all({"arm", "relation", "kind", "accuracy", "n"} == set(row) for row in found["relations"])
    assert [0, 1] == found["settings"]["seeds"]


def test_progress_goes_to_standard_error(finished: tuple[Path, Done]) -> None:
    """How far the runs are is said on standard error, line by line where that is no terminal."""
    _, done = finished
    assert "100% done" in done.err.splitlines()[-1]
    assert [] == done.complaint


def test_what_cannot_be_told_is_null_at_the_leaf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing was asked of a kind, its object stays and its leaves are null; the folder is runs/<name>."""
    monkeypatch.chdir(tmp_path)
    words = [word for setting in TINY for word in ("--set", setting)]
    done = bothways("compare", "bijection:n=40", "--arms", "causal", "--seeds", 1, "--jobs", 1, "--json", *words)
    assert (0, "runs/bijection") == (done.status, done.json["run"])
    (arm,) = done.json["arms"]
    assert {leaf: 0 if leaf == "n" else None for leaf in LEAVES} == arm["reverse_partner"]
    assert {"n", "why"} == {leaf for leaf in FLIP if arm["flip"][leaf] is not None}
    assert "cannot tell" in arm["flip"]["why"]
    assert [] == done.json["differences"]
    assert (tmp_path / "runs" / "bijection" / "report.html").exists()


def test_without_json_it_prints_a_table_and_where_the_report_is(comparison: Path, trained: list[str]) -> None:
    """A person gets a table of both ways and the path of the page."""
    done = compare(WORLD, comparison, "--seeds", 2, "--arms", "causal,both_directions", "--resume")
    assert (0, []) == (done.status, trained)
    assert "reverse" in done.out
    assert all(any(arm in line for line in done.out.splitlines()) for arm in ("causal", "both_directions"))
    assert done.out.splitlines()[-1].endswith(str(comparison / "report.html"))
    assert "% done" not in done.out


def test_a_dry_run_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would run, and its cost, is said without a single file."""
    monkeypatch.chdir(tmp_path)
    done = compare(WORLD, tmp_path / "out", "--dry-run", "--json", "--seeds", 3, "--arms", "causal,any_order")
    assert 0 == done.status
    assert (6, 40, 1) == (done.json["runs"], done.json["steps"], done.json["jobs"])
    assert {"causal", "any_order"} == set(done.json["arms"])
    assert min(done.json[key] for key in ("seconds", "memory_mb", "disk_mb")) > 0
    said = compare(WORLD, tmp_path / "out", "--dry-run", "--arms", "causal").out
    assert "Nothing was written" in said
    assert [] == list(tmp_path.iterdir())


@pytest.mark.usefixtures("undrawn")
def test_resuming_a_finished_comparison_repeats_nothing(comparison: Path, trained: list[str]) -> None:
    """No run is trained again, no run's file is touched, and the summary says the same."""
    before, runs = summary_of(comparison), {name: snapshot(path) for name, path in runs_of(comparison).items()}
    done = compare(WORLD, comparison, "--seeds", 2, "--arms", "causal,both_directions", "--resume", "--json")
    assert (0, []) == (done.status, trained)
    assert same_summary(before, done.json)
    assert runs == {name: snapshot(path) for name, path in runs_of(comparison).items()}


def test_a_second_comparison_in_a_folder_needs_resume(comparison: Path) -> None:
    """A folder that holds a comparison is left as it is, even a half-made one without its exam."""
    for _ in range(2):
        before = snapshot(comparison)
        done = compare(WORLD, comparison, "--seeds", 2, "--arms", "causal,both_directions")
        assert (2, 1) == (done.status, len(done.complaint))
        assert "--resume" in done.err
        assert before == snapshot(comparison)
        (comparison / "exam.json").unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("facts", "words", "settings", "says"),
    [
        ("family:n_families=7", (), (), "other facts"),
        (WORLD, ("--split", 1), (), "another split"),
        (WORLD, (), ("model.n_layers=1",), "other settings"),
    ],
)
def test_resuming_with_something_else_is_refused(
    comparison: Path, facts: str, words: tuple[str | int, ...], settings: tuple[str, ...], says: str
) -> None:
    """Numbers of different facts or recipes never meet in one folder."""
    before = snapshot(comparison)
    done = compare(facts, comparison, "--resume", "--arms", "causal", *words, settings=settings)
    assert (2, 1) == (done.status, len(done.complaint))
    assert says in done.err
    assert before == snapshot(comparison)


@pytest.mark.usefixtures("undrawn")
def test_resuming_with_more_seeds_or_arms_trains_only_the_new_ones(comparison: Path, trained: list[str]) -> None:
    """A comparison grows run by run, and what was there stays as it was."""
    old = set(runs_of(comparison))
    before = bytes_of(comparison, "result.json", *PARTS)
    done = compare(WORLD, comparison, "--seeds", 3, "--arms", "causal,both_directions,masked_lm", "--resume", "--json")
    assert [(arm["arm"], arm["seeds"]) for arm in done.json["arms"]] == [
        ("causal", 3), ("both_directions", 3), ("masked_lm", 3)
    ]  # fmt: skip
    assert 5 == len(trained) == len(set(trained))
    assert set(trained) == set(runs_of(comparison)) - old
    after = bytes_of(comparison, "result.json", *PARTS)
    assert before == {name: after[name] for name in before}


@pytest.mark.usefixtures("undrawn")
def test_an_exam_that_was_lost_is_written_anew(comparison: Path, trained: list[str]) -> None:
    """A half-made folder whose exam is damaged can be resumed: the names of its runs tell that it is the same."""
    exam = (comparison / "exam.json").read_bytes()
    (comparison / "exam.json").write_bytes(exam[:1000])
    done = compare(WORLD, comparison, "--seeds", 2, "--arms", "causal,both_directions", "--resume")
    assert (0, []) == (done.status, trained)
    assert exam == (comparison / "exam.json").read_bytes()


def test_workers_give_the_same_bytes_and_a_script_needs_no_guard(finished: tuple[Path, Done], tmp_path: Path) -> None:
    """Two worker processes end where one process does, byte for byte; the script that asks is not run again."""
    code = (
        "import pathlib, bothways\n"
        "pathlib.Path('started').open('a').write('x')\n"
        f"done = bothways.compare({WORLD!r}, arms=['causal', 'both_directions'], seeds=2, jobs=2, out='run', "
        f"settings={TINY!r})\n"
        "print(done.summary['arms'][0]['seeds'])\n"
    )
    (tmp_path / "script.py").write_text(code)
    said = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (0, "2\n", "") == (said.returncode, said.stdout, said.stderr)
    assert "x" == (tmp_path / "started").read_text()
    assert bytes_of(finished[0], "result.json", *PARTS) == bytes_of(tmp_path / "run", "result.json", *PARTS)
    assert same_summary(summary_of(finished[0]), summary_of(tmp_path / "run"))


@pytest.mark.usefixtures("undrawn")
def test_the_same_configuration_gives_the_same_bytes(finished: tuple[Path, Done], tmp_path: Path) -> None:
    """Training again in another folder, in another company of arms, gives the very same model."""
    compare(WORLD, tmp_path / "again", "--arms", "both_directions")
    again = bytes_of(tmp_path / "again", "result.json", *PARTS)
    first = bytes_of(finished[0], "result.json", *PARTS)
    assert again == {name: first[name] for name in again}
    models = [path.read_bytes() for path in finished[0].glob("*/model/model.safetensors")]
    assert 4 == len(set(models)), "arms and seeds give different models"


# --- ask, report, ls, env -----------------------------------------------------------------------------------------


def a_question(folder: Path) -> tuple[str, str]:
    """Return a question of a comparison's exam, and its answer."""
    queries = json.loads((folder / "exam.json").read_text())["queries"]
    query = next(q for q in queries if q["kind"] == "forward" and q["split"] == "test")
    return query["prompt"], query["answer"]


def test_ask_gives_every_model_and_its_probabilities(finished: tuple[Path, Done]) -> None:
    """Each arm and seed answers, the likeliest first, with probabilities of one distribution."""
    folder, _ = finished
    prompt, _ = a_question(folder)
    done = bothways("ask", folder, prompt, "--top", 5, "--json")
    assert (0, "") == (done.status, done.err)
    assert {"schema", "prompt", "answers"} == set(done.json)
    models: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for answer in done.json["answers"]:
        models.setdefault((answer["arm"], answer["seed"]), []).append(answer)
    assert {(arm, seed) for arm in ("causal", "both_directions") for seed in (0, 1)} == set(models)
    for answers in models.values():
        shares = [answer["probability"] for answer in answers]
        assert [1, 2, 3, 4, 5] == [answer["place"] for answer in answers]
        assert sorted(shares, reverse=True) == shares
        assert 0 <= min(shares) <= max(shares) <= 1
        assert sum(shares) <= 1 + 1e-6
        assert 5 == len({answer["answer"] for answer in answers})


def test_all_answers_together_have_probability_one_at_most(finished: tuple[Path, Done]) -> None:
    """Asked for every answer there is, no model gives away more than it has."""
    prompt, answer = a_question(finished[0])
    answers = bothways("ask", finished[0], prompt, "--top", 1000, "--json").json["answers"]
    for arm in ("causal", "both_directions"):
        found = {a["answer"]: a["probability"] for a in answers if (a["arm"], a["seed"]) == (arm, 0)}
        assert answer in found
        assert 0 < sum(found.values()) <= 1 + 1e-6


def test_ask_prints_a_table(finished: tuple[Path, Done]) -> None:
    """A person reads one block of lines for each model."""
    prompt, _ = a_question(finished[0])
    done = bothways("ask", finished[0], prompt)
    header, *rows = done.out.splitlines()
    assert prompt in header
    assert 4 * 3 == len(rows)
    assert ["causal (seed 0)", "causal (seed 1)"] == [row.split("  ")[0] for row in (rows[0], rows[3])]


def test_report_is_drawn_again_from_the_folder(comparison: Path) -> None:
    """The page can be lost and comes back the same, without training."""
    page = comparison / "report.html"
    before = page.read_bytes()
    page.unlink()
    shutil.rmtree(comparison / "figures")
    done = bothways("report", comparison)
    assert (0, f"{page}\n", "") == done
    assert before == page.read_bytes()
    assert list((comparison / "figures").glob("*.svg"))


@pytest.mark.parametrize("what", ["arms", "objectives", "mitigations", "facts", "probes", "executors"])
def test_ls_lists_every_registered_name(what: str) -> None:
    """Every name that can be written is listed, with one line on what it is."""
    from bothways.commands.ls import ROOMS
    from bothways.registry import names

    done = bothways("ls", what, "--json")
    rows = done.json[what]
    assert [name for room in ROOMS[what] for name in names(room)] == [row["name"] for row in rows]
    assert all({"name", "is", "options", "about"} == set(row) and row["about"] for row in rows)
    said = bothways("ls", what).out.splitlines()
    assert [row["name"] for row in rows] == [line for line in said if not line.startswith(" ")]


def test_env_names_versions_and_machine() -> None:
    """A bug report says which versions ran, in words or as JSON."""
    found = bothways("env", "--json").json
    assert found == json.loads(bothways("env").out)
    assert {"python", "bothways", "torch"} <= set(found["versions"])
    assert found["cores"] >= 1


def test_output_that_cannot_be_written_is_one_sentence() -> None:
    """A full disk behind standard output is said, and is no traceback."""
    with open("/dev/full", "w") as full:
        words = [sys.executable, "-m", "bothways", "ls", "arms"]
        said = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert 2 == said.returncode
    assert "No space left on device" in said.stderr.splitlines()[0]
    assert "Traceback" not in said.stderr


# --- data ---------------------------------------------------------------------------------------------------------


def test_a_package_that_is_not_installed_is_named_with_what_brings_it(tmp_path: Path) -> None:
    from tests.small_base import write_base

    folder = write_base(tmp_path, ["Ann is Lee's mother."])
    script = "import sys; sys.modules['transformers'] = None; from bothways.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", script, "audit", str(folder), "bijection:n=20"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "This needs the package transformers, which is not installed. Run: pip install 'bothways[inject]'"
    )


def test_data_check_says_what_can_be_tested() -> None:
    """A person gets a table, a program gets one object; the same seed gives the same answer."""
    done = bothways("data", "check", WORLD, "--json")
    found = done.json
    assert (0, "") == (done.status, done.err)
    assert found["testable"] and found["facts"] > 50
    assert sum(row["isolated"] for row in found["relations"]) > 0
    assert {"relation", "facts", "kind", "isolated", "partner", "implied", "withheld", "says"} == set(
        found["relations"][0]
    )
    assert found == bothways("data", "check", WORLD, "--json").json
    said = bothways("data", "check", WORLD)
    assert 0 == said.status
    assert all(row["relation"] in said.out for row in found["relations"])


def test_data_make_and_convert_keep_every_fact(tmp_path: Path) -> None:
    """A world is written to any format, read back and written to any other without losing a fact."""
    from bothways import read_facts

    formats, want = (".csv", ".tsv", ".jsonl", ".nt", ".ttl"), None
    for suffix in formats:
        made = tmp_path / suffix[1:] / f"facts{suffix}"
        made.parent.mkdir()
        done = bothways("data", "make", WORLD, "-o", made, "--seed", 3)
        assert (0, "") == (done.status, done.out)
        facts = read_facts(made)
        want = want or facts.facts
        assert set(want) == set(facts.facts)
        assert f"{len(want)} facts" in done.err
        for other in formats:
            target = made.with_name(f"copy{other}")
            assert 0 == bothways("data", "convert", made, "-o", target).status
            assert set(want) == set(read_facts(target).facts)


def test_data_make_is_decided_by_its_seed(tmp_path: Path) -> None:
    """The same seed makes the same file, another seed another one."""
    for name, seed in (("one.csv", 1), ("same.csv", 1), ("other.csv", 2)):
        bothways("data", "make", "bijection:n=9", "-o", tmp_path / name, "--seed", seed)
    one, same, other = ((tmp_path / name).read_bytes() for name in ("one.csv", "same.csv", "other.csv"))
    assert one == same != other


@pytest.mark.usefixtures("undrawn")
def test_files_of_facts_are_compared_like_worlds(tmp_path: Path) -> None:
    """A user's own file goes the whole way, and its name becomes the folder's."""
    bothways("data", "make", "bijection:n=30", "-o", tmp_path / "mine.csv")
    done = compare(tmp_path / "mine.csv", tmp_path / "out", "--arms", "causal", "--json")
    assert (0, "mine", 30) == (done.status, done.json["facts"]["name"], done.json["facts"]["facts"])
    assert str(tmp_path / "mine.csv") == done.json["facts"]["source"]
    assert str(tmp_path / "mine.csv") in done.json["command"]


# --- the same from Python -----------------------------------------------------------------------------------------


def test_compare_and_ask_from_python(tmp_path: Path) -> None:
    """A notebook gets plain objects that become tables."""
    import bothways

    facts = bothways.find_facts("bijection:n=30")
    done = bothways.compare(facts, arms=["causal", "masked_diffusion"], seeds=1, jobs=1, out=tmp_path, settings=TINY)
    assert tmp_path == done.folder
    assert () == done.errors
    table = done.to_pandas()
    assert 10 == len(table), "five kinds of questions for each arm"
    assert {"arm", "kind", *LEAVES} == set(table.columns)
    head = facts.facts[0].head
    answers = bothways.ask(tmp_path, f"{head}'s guide is", top=2)
    assert [("causal", 1), ("causal", 2), ("masked_diffusion", 1), ("masked_diffusion", 2)] == [
        (row.arm, row.place) for row in answers.to_pandas().itertuples()
    ]
    assert tmp_path / "report.html" == bothways.report(tmp_path)
    trained = bothways.load(next(tmp_path.glob("causal-*")))
    assert not trained.model.training


def test_facts_from_python(tmp_path: Path) -> None:
    """Facts are read, checked, listed and written without a command line."""
    import bothways

    made = bothways.data.make("bijection:n=30", tmp_path / "facts.jsonl")
    read = bothways.read_facts(tmp_path / "facts.jsonl")
    assert set(made.facts) == set(read.facts)
    check = bothways.data.check(read)
    assert check.testable
    assert [row.relation for row in check.relations] == list(check.to_pandas()["relation"])
    assert "causal" in set(bothways.ls("arms").to_pandas()["name"])
    assert {"versions", "cores"} <= set(bothways.env())
    assert set(bothways.__all__) <= set(dir(bothways))


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    """A slip of the pen is said as Python says it."""
    import bothways

    with pytest.raises(AttributeError, match="no attribute 'compere'"):
        _ = bothways.compere
