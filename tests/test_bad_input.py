"""Bad input through the command line: one clear sentence, exit status 2, and nothing half-written."""

import json
import os
import pickle
import re
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.command_line import PARTS, WORLD, Done, bothways, bytes_of, compare, runs_of

HEADER = "head,relation,tail\n"
LIKES = HEADER + "".join(f"Ann{i},likes,Bob{i}\n" for i in range(30))
"""Facts that could be compared."""
Write = Callable[[Path], None]


def is_refused(done: Done, *says: str) -> None:
    """Check that a command ended with status 2, a sentence that says all of `says` first, and no result."""
    assert 2 == done.status
    assert 1 <= len(done.complaint) <= 6, done.err
    assert "Traceback" not in done.err
    first = done.complaint[0]
    assert all(word in first for word in says), first
    assert re.search(r"[.:…]$", first), f"no sentence: {first}"
    assert len(first) < 400, "a sentence, not a page"


def text(content: str) -> Write:
    return lambda path: path.write_text(content, encoding="utf-8") and None


def raw(content: bytes) -> Write:
    return lambda path: path.write_bytes(content) and None


def sparse(start: bytes, size: int) -> Write:
    """Return what writes a file of many bytes that takes no room on the disk."""

    def write(path: Path) -> None:
        path.write_bytes(start)
        os.truncate(path, size)

    return write


def nothing(path: Path) -> None:
    """Write no file at all."""


FILES: dict[str, tuple[str, Write, tuple[str, ...]]] = {
    "missing file": ("facts.csv", nothing, ("facts.csv", "does not exist", "Check the path")),
    "missing column": ("facts.csv", text("head,relation\nAnn,likes\n"), ("facts.csv, line 1", "'tail'", "Name the")),
    "wrong column count": ("facts.csv", text(LIKES + "Ann,likes\n"), ("facts.csv, line 32", "got 2", "Correct")),
    "tabs missing": ("facts.tsv", text("Ann\tlikes\tBob\nAnn likes Bob\n"), ("facts.tsv, line 2", "tabs", "Correct")),
    "malformed JSON": ("facts.jsonl", text('{"head": "Ann",\n'), ("facts.jsonl, line 1", "not JSON", "Correct")),
    "JSON without a key": ("facts.jsonl", text('{"head": "Ann"}\n'), ("facts.jsonl, line 1", "'relation'", "Write")),
    "malformed N-Triples": ("facts.nt", text("<a:b> <a:c>\n"), ("facts.nt, line 1", "not N-Triples", "Write")),
    "malformed Turtle": ("facts.ttl", text("@prefix : <a:> .\n:a :b\n"), ("facts.ttl, line", "not Turtle", "Correct")),
    "empty": ("facts.csv", text(""), ("facts.csv", "is empty", "Write")),
    "empty JSON lines": ("facts.jsonl", text("\n\n"), ("facts.jsonl", "is empty", "Write")),
    "header only": ("facts.csv", text(HEADER), ("facts.csv", "no fact", "Write")),
    "binary": ("facts.csv", raw(b"\x89PNG\r\n\x1a\n" + bytes(range(256))), ("facts.csv is not a text file", "Save")),
    "binary with a mark": ("facts.csv", raw(b"\xff\xfe\0\0\0\1" * 9), ("facts.csv is not a text file", "Save")),
    "UTF-16": ("facts.csv", raw(LIKES.encode("utf-16")), ("facts.csv is in UTF-16", "Save")),
    "not UTF-8": ("facts.csv", raw(LIKES.encode() + b"Ren\xe9,likes,Bob\n"), ("facts.csv, line 32", "0xe9", "Save")),
    "NUL bytes": ("facts.csv", raw(LIKES.encode() + b"A\0nn,likes,Bob\n"), ("facts.csv, line 32", "NUL", "Save")),
    "no testable fact": ("facts.csv", text(HEADER + "Ann,likes,Bob\n"), ("facts.csv", "no fact can be tested", "Give")),
    "long line": ("facts.csv", text(LIKES + "Ann" * 700_000 + "\n"), ("facts.csv, line 32", "longer than", "Write")),
    "endless line": ("facts.tsv", sparse(b"Ann\tlikes\tBob\n", 1024**3), ("facts.tsv, line 2", "longer than", "Write")),
    "endless file": ("facts.csv", sparse(LIKES.encode(), 3 * 1024**3), ("facts.csv", "3,221,225,472 bytes", "Split")),
    "unknown suffix": ("facts.parquet", text("PAR1"), ("facts.parquet", "'.parquet'", "Known: .csv", "Save")),
    "pipe": ("facts.csv", lambda path: os.mkfifo(path), ("facts.csv", "not a regular file", "Give")),
}


@pytest.mark.parametrize("case", FILES)
def test_a_bad_file_is_refused(case: str, tmp_path: Path) -> None:
    """The first line names file and place, what is wrong and what to do; nothing has been written."""
    name, write, says = FILES[case]
    write(tmp_path / name)
    is_refused(bothways("data", "check", tmp_path / name), str(tmp_path), *says)
    is_refused(compare(tmp_path / name, tmp_path / "out"), str(tmp_path), *says)
    assert not (tmp_path / "out").exists()


RELATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "two inverses": ("likes: {inverse: liked by}\nknows: {inverse: liked by}\n", ("relations.yaml", "two inverses")),
    "inverse comes twice": ("likes: {inverse: a}\nlikes: {inverse: b}\n", ("relations.yaml, line 2", "twice")),
    "symmetric with an inverse": ("likes: {inverse: a, symmetric: true}", ("relations.yaml", "contradiction")),
    "unknown relation": ("lieks: {symmetric: true}", ("relations.yaml", "'lieks'", "Did you mean 'likes'")),
    "not YAML": ("likes: [", ("relations.yaml, line", "not YAML")),
    "a foreign class": ("likes: !!python/object/apply:os.system ['touch pwned']", ("relations.yaml, line 1",)),
}


@pytest.mark.parametrize("case", RELATIONS)
def test_bad_relations_are_refused(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `relations.yaml` says wrongly stops everything, and nothing that it names is run."""
    monkeypatch.chdir(tmp_path)
    content, says = RELATIONS[case]
    (tmp_path / "facts.csv").write_text(LIKES + "Ann1,knows,Bob2\n")
    (tmp_path / "relations.yaml").write_text(content)
    is_refused(bothways("data", "check", "facts.csv"), *says)
    is_refused(compare("facts.csv", tmp_path / "out"), *says)
    assert {"facts.csv", "relations.yaml"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ("/", "root of the whole disk"),
        ("famly", "Did you mean 'family'"),
        ("no/such/folder", "does not exist"),
        ("/dev/zero", "without a suffix"),
        ("bijection:m=3", "Unknown Bijection option 'm'"),
        ("bijection:n=many", "cannot be 'many'"),
        ("bijection:n=0", "at least 1"),
        ("bijection:", "name:key=value"),
        ("bijection:n=3", "no fact can be tested"),
        (os.fsdecode(b"ren\xe9.csv"), "does not exist"),
    ],
)
def test_what_is_no_facts_is_refused(facts: str, says: str, tmp_path: Path) -> None:
    """A word that names neither facts nor a world is refused, with the nearest world."""
    is_refused(bothways("data", "check", facts), says)
    is_refused(compare(facts, tmp_path / "out"), says)
    assert not (tmp_path / "out").exists()


def test_a_folder_without_facts_is_refused(tmp_path: Path) -> None:
    """A folder is read file by file, and one without a facts file is named."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.md").write_text("Ann likes Bob.")
    is_refused(bothways("data", "check", tmp_path / "notes"), "notes", "holds no facts file", "Name a folder")
    is_refused(compare(tmp_path / "notes", tmp_path / "out"), "holds no facts file")


def test_what_cannot_be_tested_is_still_described() -> None:
    """`data check` shows its table of facts that no exam can be made of, and says why on standard error."""
    done = bothways("data", "check", "bijection:n=3", "--json")
    assert not done.json["testable"]
    assert 3 == done.json["facts"]
    is_refused(done, "no fact can be tested")


@pytest.mark.usefixtures("undrawn")
def test_duplicates_merge_with_a_notice(tmp_path: Path) -> None:
    """The same fact twice is one fact, and it is said where."""
    (tmp_path / "facts.csv").write_text(LIKES + "Ann3,likes,Bob3\n")
    checked = bothways("data", "check", tmp_path / "facts.csv", "--json")
    assert (0, 30) == (checked.status, checked.json["facts"])
    assert any("merged" in notice and "line 32" in notice for notice in checked.json["notices"])
    found = compare(tmp_path / "facts.csv", tmp_path / "out", "--arms", "causal", "--json").json["facts"]
    assert checked.json["notices"] == found["notices"]


@pytest.mark.usefixtures("undrawn")
def test_a_relation_with_too_few_facts_is_trained_and_not_tested(tmp_path: Path) -> None:
    """Three facts are too few for an exam; they are stated to every arm, and a note says so."""
    (tmp_path / "facts.csv").write_text(LIKES + "".join(f"Cid{i},rules,Dan{i}\n" for i in range(3)))
    done = compare(tmp_path / "facts.csv", tmp_path / "out", "--arms", "causal", "--json")
    assert 0 == done.status
    assert any(note.startswith("rules: 3 facts") and "not tested" in note for note in done.json["facts"]["notes"])
    exam = json.loads((tmp_path / "out" / "exam.json").read_text())
    rules = [n for n, fact in enumerate(exam["facts"]) if fact["relation"] == "rules"]
    assert 3 == len(rules)
    assert not [q for q in exam["queries"] if q["fact"] in rules and q["kind"] in ("reverse_tested", "reverse_partner")]


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--arms", "casual"), "Did you mean 'causal'"),
        (("--arms", ""), "No arm was named"),
        (("--arms", "causal,causal"), "named twice"),
        (("--arms", "causal+masked_lm"), "two objectives"),
        (("--arms", "reverse_training:unt=token"), "Did you mean 'unit'"),
        (("--arms", "reverse_training:unit=tokn"), "'entity', 'token', 'word' or 'segment'"),
        (("--arms", "masked_lm:rate=much"), "cannot be 'much'"),
        (("--arms", "masked_lm:rate=2"), "between 0 and 1"),
        (("--arms", "masked_lm:rate"), "name:key=value"),
        (("--set", "training.stps=3"), "Did you mean 'steps'"),
        (("--set", "trainin.steps=3"), "Did you mean 'training'"),
        (("--set", "training.steps=few"), "cannot be 'few'"),
        (("--set", "training.steps"), "a.b=c"),
        (("--set", "training.steps.more=3"), "too deep"),
        (("--set", "training=3"), "a group of settings"),
        (("--set", "training.steps=0"), "steps must be at least 1"),
        (("--set", "training.learning_rate=nan"), "learning_rate must be above 0"),
        (("--set", "training.clip=-1"), "clip must be above 0"),
        (("--set", "training.warmup=2"), "warmup must be in [0, 1]"),
        (("--set", "training.weight_decay=-1"), "weight_decay must be at least 0"),
        (("--set", "training.precision=fp8"), "'fp32' or 'bf16'"),
        (("--set", "model.n_heads=5"), "n_heads must divide d_model"),
        (("--set", "tokenizer.kind=letters"), "'entity', 'word', 'byte_pair', 'pretrained' or 'chat'"),
        (("--set", "seeds.init=3"), "--seeds"),
        (("--set", "objective.rate=1"), "--arms"),
        (("--seeds", "0"), "seeds must be at least 1"),
        (("--jobs", "0"), "jobs must be at least 1"),
        (("--split", "-1"), "split must be at least 0"),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["run", "dry"])
def test_a_bad_setting_is_refused(words: tuple[str, ...], says: str, dry: tuple[str, ...], tmp_path: Path) -> None:
    """A setting is refused by name before anything is written, and so it is by a dry run."""
    done = bothways("compare", "bijection:n=40", "-o", tmp_path / "out", *words, *dry)
    is_refused(done, says)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("words", [("compare", "--seed", "3"), ("compare", "--seeds", "many"), ("kompare",), ("ask",)])
def test_a_slip_in_the_command_line_is_refused(words: tuple[str, ...]) -> None:
    """What the parser does not understand ends with status 2 and a hint, in a few lines."""
    done = bothways(*words)
    assert 2 == done.status
    assert len(done.complaint) <= 6
    assert "--help" in done.err and "Error: " in done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("data", "make", "famly", "-o", "facts.csv"), "Did you mean 'family'"),
        (("data", "make", "family", "-o", "facts.xls"), "'.xls'"),
        (("data", "make", "family", "-o", "nowhere/facts.csv"), "cannot be written"),
        (("data", "make", "family", "-o", "facts.csv", "--seed", "-1"), "seed must be at least 0"),
        (("data", "convert", "facts.csv", "-o", "facts.nt"), "does not exist"),
        (("data", "check", "family", "--split", "-1"), "split must be at least 0"),
        (("ls", "arm"), "Did you mean 'arms'"),
    ],
)
def test_other_verbs_refuse_what_they_cannot_do(
    words: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making, converting and listing say in one sentence what is wrong, and leave no file."""
    monkeypatch.chdir(tmp_path)
    is_refused(bothways(*words), says)
    assert [] == list(tmp_path.iterdir())


# --- folders and disks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["ask", "report"])
@pytest.mark.parametrize("what", ["nowhere", "empty", "file"])
def test_a_folder_that_is_no_comparison_is_refused(verb: str, what: str, tmp_path: Path) -> None:
    """`ask` and `report` need what `compare` wrote, and say so."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    words = ["Ann's child is"] if verb == "ask" else []
    is_refused(bothways(verb, tmp_path / what, *words), what, "not a comparison folder", "Give")
    assert {"empty", "file"} == {path.name for path in tmp_path.iterdir()}


def test_a_comparison_without_a_finished_run_answers_nothing(comparison: Path) -> None:
    """`ask` on a folder that was stopped early says how to finish it."""
    for path in runs_of(comparison).values():
        (path / "result.json").unlink()
    is_refused(bothways("ask", comparison, "Ann's child is"), "no finished run", "--resume")


@pytest.mark.parametrize(
    ("out", "says"),
    [("/proc/bothways", "/proc/bothways"), ("/dev/null", "is a file"), ("/dev/null/run", "Not a directory")],
)
def test_a_folder_that_cannot_be_written_is_refused(out: str, says: str) -> None:
    """A place where nobody may write is named, with what to do."""
    is_refused(compare(WORLD, Path(out), "--arms", "causal"), says, "-o")


def test_a_read_only_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system says of a disk mounted for reading is passed on with the path and a way out."""
    import errno

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    is_refused(compare(WORLD, tmp_path / "out", "--arms", "causal"), str(tmp_path / "out"), "Read-only", "-o")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """A folder that holds other files is not written into, with or without --resume."""
    (tmp_path / "thesis.tex").write_text("")
    for words in ((), ("--resume",)):
        done = compare(WORLD, tmp_path, "--arms", "causal", *words)
        is_refused(done, "not empty and holds no comparison", "-o")
    assert ["thesis.tex"] == [path.name for path in tmp_path.iterdir()]


@contextmanager
def largest_file(n_bytes: int) -> Iterator[None]:
    """Let the system refuse to write files beyond a size, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("fits", "fails", "seconds"),
    [
        ("", "exam.json", 20),
        ("exam.json", "both_directions-s0-*/checkpoint-*", 0),
        ("exam.json", "both_directions-s0-*/model/model.safetensors", 20),
    ],
    ids=["exam", "checkpoint", "model"],
)
@pytest.mark.usefixtures("undrawn")
def test_a_full_disk_is_one_sentence_and_the_folder_can_be_resumed(
    fits: str, fails: str, seconds: int, finished: tuple[Path, Done], tmp_path: Path
) -> None:
    """Whatever cannot be written any more, it is said in a sentence; with space again nothing is lost."""
    n_bytes = next(finished[0].glob(fits)).stat().st_size + 50 if fits else 500
    out, words = tmp_path / "out", ("--arms", "both_directions")
    with largest_file(n_bytes):
        done = compare(WORLD, out, *words, settings=(f"training.checkpoint_seconds={seconds}",))
    is_refused(done, str(out), "File too large", "Free space", "--resume")
    assert [] == list(out.glob(fails))
    done = compare(WORLD, out, *words, "--resume", settings=(f"training.checkpoint_seconds={seconds}",))
    assert (0, []) == (done.status, done.complaint)
    models = {path.read_bytes() for path in finished[0].glob("both_directions-s0-*/model/model.safetensors")}
    assert models == {path.read_bytes() for path in out.glob("*/model/model.safetensors")}
    assert [] == [*out.rglob("*.tmp"), *out.rglob(".*.tmp")]


def test_a_disk_that_is_full_at_the_very_end_is_one_sentence(comparison: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the page does not fit any more, that is said, and every run is kept."""
    from bothways.commands import compare as command

    write = command.write_report
    words = ("--seeds", 2, "--arms", "causal,both_directions", "--resume")
    with monkeypatch.context() as patch:
        patch.setattr(command, "write_report", lambda folder: largest_file(1000)(write)(folder))
        is_refused(compare(WORLD, comparison, *words), str(comparison), "File too large", "Free space", "--resume")
    assert 0 == compare(WORLD, comparison, *words).status


# --- questions ----------------------------------------------------------------------------------------------------


def name_in(folder: Path) -> str:
    return json.loads((folder / "exam.json").read_text())["facts"][0]["head"]


def test_an_unknown_entity_is_refused_with_the_nearest_names(finished: tuple[Path, Done]) -> None:
    """A name with a slip of the pen is answered with the names it may have meant."""
    name = name_in(finished[0])
    done = bothways("ask", finished[0], f"{name[:3]}{name[4:]}'s mother is")
    is_refused(done, "does not know")
    assert name in done.complaint[0].partition("Nearest names:")[2]


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("", "names no entity"),
        ("The mother is", "does not know"),
        ("{name}'s favourite colour is", "'favourite'"),
        ("{name} {name} {name} {name} {name} {name} {name} {name} {name}", "at most"),
        ("{name}'s mother is " + "so " * 100_000, "at most"),
        ("{name}'s mother\nis", "one line"),
        (os.fsdecode(b"{name}'s m\xffther is"), "one line"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(prompt: str, says: str, finished: tuple[Path, Done]) -> None:
    """A prompt without an entity, with an unknown word or without end gets a sentence, at once."""
    is_refused(bothways("ask", finished[0], prompt.replace("{name}", name_in(finished[0]))), says)


def test_no_answers_cannot_be_asked_for(finished: tuple[Path, Done]) -> None:
    """At least one answer is asked for."""
    is_refused(bothways("ask", finished[0], f"{name_in(finished[0])}'s mother is", "--top", 0), "top must be at least")


# --- damaged and forged folders -----------------------------------------------------------------------------------


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    """Change one bit, late in a file, where a model keeps its numbers."""
    return content[:-50] + bytes([content[-50] ^ 1]) + content[-49:]


@pytest.mark.parametrize("damage", [cut, flip, lambda _: b""], ids=["cut", "altered", "emptied"])
@pytest.mark.parametrize("name", [*PARTS, "result.json"])
def test_a_damaged_run_is_refused(name: str, damage: Callable[[bytes], bytes], comparison: Path) -> None:
    """One bit that is not as it was written is enough: no numbers, no answers, and a way to get the run back."""
    run = next(iter(runs_of(comparison).values()))
    whole = (run / name).read_bytes()
    (run / name).write_bytes(damage(whole))
    if damage is flip and name == "result.json":
        return  # the seal itself is not sealed
    where = str(run / name)
    is_refused(bothways("ask", comparison, f"{name_in(comparison)}'s mother is"), where, "altered", "--resume")
    words = ("--seeds", 2, "--arms", "causal,both_directions", "--resume")
    is_refused(compare(WORLD, comparison, *words), where, "altered", "--resume")


@pytest.mark.usefixtures("undrawn")
def test_a_damaged_run_comes_back_to_the_same_bytes(comparison: Path) -> None:
    """What the message advises works: the run is removed, and trained again to what it was."""
    before = bytes_of(comparison, "result.json", *PARTS)
    run = next(iter(runs_of(comparison).values()))
    for path in sorted(run.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    run.rmdir()
    assert 0 == compare(WORLD, comparison, "--seeds", 2, "--arms", "causal,both_directions", "--resume").status
    assert before == bytes_of(comparison, "result.json", *PARTS)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"run_id": 3}', "\0"], ids=ascii)
@pytest.mark.parametrize("name", ["exam.json", "manifest.jsonl", "summary.json", "comparison.json"])
@pytest.mark.usefixtures("undrawn")
def test_a_forged_comparison_is_refused_or_read(name: str, content: str, comparison: Path) -> None:
    """Whatever stands in a comparison's own files, `ask`, `report` and `compare --resume` keep their manners."""
    question = f"{name_in(comparison)}'s mother is"
    (comparison / name).write_text(content)
    words = ("--seeds", 2, "--arms", "causal,both_directions", "--resume")
    for done in (
        bothways("ask", comparison, question),
        bothways("report", comparison),
        compare(WORLD, comparison, *words),
    ):
        if done.status:
            is_refused(done)


def seal_anew(run: Path) -> None:
    """Write the digests of a forged run into its result, as a careful forger would."""
    from bothways.disk import file_digest

    result = json.loads((run / "result.json").read_text())
    result["files"] = {name: file_digest(run / name) for name in PARTS}
    (run / "result.json").write_text(json.dumps(result))


class Payload:
    """An object that runs a shell command when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch pwned",)


CLASSES = (
    "os:system",
    "posix:system",
    "subprocess:Popen",
    "bothways.runs:os",
    "bothways.config:importlib",
    "bothways.cli:main",
    "bothways.nowhere:Causal",
    "bothways.types:Fact",
    "bothways.config:Seeds",
    "bothwaysx:Causal",
    "bothways.objectives..causal:Causal",
    ":",
    "",
)
FORGED: dict[str, tuple[str, Callable[[str], str | bytes]]] = {
    "pickled weights": ("model/model.safetensors", lambda _: pickle.dumps(Payload())),
    "foreign model class": ("model/model.json", lambda t: t.replace('"is": "transformer"', '"is": "os:system"')),
    "other shape": ("model/model.json", lambda t: t.replace('"d_model": 32', '"d_model": 64')),
    "huge shape": ("model/model.json", lambda t: t.replace('"d_model": 32', '"d_model": 1000000000')),
    "no length": ("model/model.json", lambda t: t.replace('"length"', '"width"')),
    "deep": ("model/model.json", lambda _: "[" * 100_000),
    "foreign tokenizer": ("model/tokenizer.json", lambda t: t.replace('"word"', '"os:system"')),
    "tokenizer of another run": ("model/tokenizer.json", lambda t: t.replace('"words": [', '"words": ["a", "b", ')),
    "no words": ("model/tokenizer.json", lambda t: t.replace('"words"', '"wards"')),
    "no settings": ("config.yaml", lambda _: ""),
    "a list": ("config.yaml", lambda _: "[]"),
    "nested": ("config.yaml", lambda _: "{" * 5000),
    "YAML that runs": ("config.yaml", lambda _: "!!python/object/apply:os.system ['touch pwned']"),
    **{
        f"class {name}": (
            "config.yaml", lambda t, name=name: t.replace("bothways.objectives.causal:Causal", f"'{name}'")
        )
        for name in CLASSES
    },
}  # fmt: skip


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_run_is_refused_and_runs_nothing(
    case: str, comparison: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run folder from a stranger, digests and all, makes no class of his and executes nothing."""
    monkeypatch.chdir(tmp_path)
    name, forge = FORGED[case]
    run = next(iter(runs_of(comparison).values()))
    before = (run / name).read_bytes()
    forged = forge(before.decode("utf-8", "replace"))
    (run / name).write_bytes(forged if isinstance(forged, bytes) else forged.encode())
    assert before != (run / name).read_bytes(), "the case forges nothing"
    modules = set(sys.modules)
    question = f"{name_in(comparison)}'s mother is"
    is_refused(bothways("ask", comparison, question))
    seal_anew(run)
    is_refused(bothways("ask", comparison, question))
    assert not (tmp_path / "pwned").exists()
    assert {m for m in set(sys.modules) - modules if not m.startswith("bothways")} <= {"pickle"}
