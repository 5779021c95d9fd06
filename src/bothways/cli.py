"""The command line: parse, call the function of the same name, print. No work is done here.

Results go to standard output, progress and messages to standard error. Exit status 2: bad input or setting;
3: a guard failed; 130: interrupted, and resumable.
"""

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bothways.errors import BothwaysError
from bothways.registry import names

app = typer.Typer(
    name="bothways",
    help="Measure, explain and cure the reversal curse: facts in, an honest two-direction measurement out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Check, make and convert facts.", no_args_is_help=True)
app.add_typer(data_app, name="data")

EXTRAS = {
    "transformers": "inject", "huggingface_hub": "inject", "accelerate": "inject", "peft": "inject", "lm_eval": "eval",
}  # fmt: skip
"""Packages that only some verbs need, and what brings them."""
INTERRUPTED = 130
"""Exit status of what Ctrl-C or a termination signal ended."""

Facts = Annotated[str, typer.Argument(help="A file or folder of facts, or a world: family, relations, bijection.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Folder to write; runs/<name> by default.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="Change the recipe: a.b=c, for every arm.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a half-made folder; failed runs are tried again.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would run, and its cost; write nothing.")]
Split = Annotated[int, typer.Option(help="Seed of the exam, and of a world's facts.")]
Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, or auto for cuda where there is one.")]
Run = Annotated[Path, typer.Argument(help="Folder of a comparison, such as runs/family.")]


@app.command()
def compare(
    facts: Facts = "family",
    arms: Annotated[
        str, typer.Option(help="Objectives and mitigations, comma-separated; options as name:key=value.")
    ] = "causal,both_directions,masked_diffusion",
    seeds: Annotated[int, typer.Option(help="Runs per arm.")] = 5,
    jobs: Annotated[int | None, typer.Option(help="Runs at a time, one core each; all cores by default.")] = None,
    out: Out = None,
    resume: Resume = False,
    settings: Settings = None,
    split: Split = 0,
    device: Device = "auto",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Train each arm on the facts, ask both ways, write runs/<name>/report.html."""
    from bothways.commands.compare import compare as run_compare
    from bothways.commands.estimate import dry_run as estimate
    from bothways.reports.progress import progress_bars
    from bothways.reports.table import terminal_table

    chosen: dict[str, Any] = {
        "arms": arms.split(","), "seeds": seeds, "out": out, "settings": settings or (), "split": split,
        "device": device,
    }  # fmt: skip
    if dry_run:
        found = estimate(facts, jobs=jobs, **chosen)
        show(found.to_json() if as_json else found.text(), as_json)
        return
    done = run_compare(facts, jobs=jobs, resume=resume, progress=progress_bars, **chosen)
    page = done.folder / "report.html"
    show(done.summary if as_json else f"{terminal_table(done.summary)}\n\nThe whole report: {page}", as_json)
    fail_some(done.errors)


@app.command()
def sweep(
    file: Annotated[Path, typer.Argument(help="A YAML file: facts, arms, seeds, set, grid, zip.")],
    out: Out = None,
    jobs: Annotated[int | None, typer.Option(help="Tasks at a time; all cores by default.")] = None,
    executor: Annotated[
        str | None, typer.Option(help="inline, process, ray or slurm; options as name:key=value.")
    ] = None,
    device: Device = "auto",
    resume: Resume = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Train every combination of settings in a file, write runs/<name>/results.parquet."""
    from bothways.commands.estimate import sweep_dry_run
    from bothways.commands.sweep import sweep as run_sweep
    from bothways.reports.sweep_progress import sweep_table

    if dry_run:
        cost = sweep_dry_run(file, out=out, jobs=jobs, executor=executor, device=device)
        show(cost.to_json() if as_json else cost.text(), as_json)
        return
    done = run_sweep(file, out=out, jobs=jobs, executor=executor, device=device, resume=resume, progress=sweep_table)
    text = f"{done.done} of {done.planned} runs done. The table: {done.folder / 'results.parquet'}"
    show(done.to_json() if as_json else f"{text}\nThe report: {done.folder / 'report.html'}", as_json)
    fail_some(done.errors, done.failed)


@app.command()
def study(
    name: Annotated[
        str | None, typer.Argument(help=f"As 'bothways ls studies' lists them: {', '.join(names('studies'))}.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only what two cores train in minutes.")] = False,
    preset: Annotated[str, typer.Option(help="A scale by its name, where the study has some; see ls studies.")] = "",
    seeds: Annotated[
        int | None, typer.Option(help="How often all is repeated; 5 if quick, else 10, or as the preset says.")
    ] = None,
    executor: Annotated[
        str | None, typer.Option(help="inline, process, ray or slurm; options as name:key=value.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Tasks at a time; all cores by default.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Folder of a model to measure too.")] = None,
    facts: Annotated[str, typer.Option(help="Facts that these models know: a file or folder.")] = "",
    out: Out = None,
    resume: Resume = False,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Decide all studies below runs/ again, write claims.md.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Run what a paper's claims rest on and decide each; write runs/study-<name>/claims.json."""
    from bothways.commands.ledger import ledger as write_all
    from bothways.commands.study import study as run_study
    from bothways.commands.study_estimate import study_dry_run as estimate
    from bothways.reports.ledger import claims_table
    from bothways.reports.sweep_progress import sweep_table

    if ledger:
        text, page = write_all(out=out or "docs")
        show({"schema": 1, "ledger": str(text), "page": str(page)} if as_json else f"{text}\n{page}", as_json)
        return
    if name is None:
        raise typer.BadParameter("Name a study, or add --ledger. 'bothways ls studies' lists them.")
    chosen: dict[str, Any] = {
        "quick": quick, "preset": preset, "seeds": seeds, "executor": executor, "jobs": jobs, "out": out,
        "models": model or (), "facts": facts,
    }  # fmt: skip
    if dry_run:
        cost = estimate(name, **chosen)
        show(cost.to_json() if as_json else cost.text(), as_json)
        return
    done = run_study(name, resume=resume, progress=sweep_table, say=say, **chosen)
    page = done.folder / "report.html"
    show(done.to_json() if as_json else f"{claims_table(done.rows)}\n\nThe page: {page}", as_json)
    fail_some(done.errors)


@app.command()
def ask(
    run: Run,
    prompt: Annotated[str, typer.Argument(help='Text up to the answer, such as "Ann\'s child is".')],
    top: Annotated[int, typer.Option(help="Answers to show for each model.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Ask every trained model of a comparison to complete a prompt."""
    from dataclasses import asdict

    from bothways.commands.ask import ask as run_ask

    found = run_ask(run, prompt, top=top)
    if as_json:
        show({"schema": 1, "prompt": found.prompt, "answers": [asdict(a) for a in found.answers]}, True)
        return
    rows = [
        (f"{a.arm} (seed {a.seed})" if a.place == 1 else "", a.answer, f"{a.probability:.3f}") for a in found.answers
    ]
    show(columns([("model", f"{prompt} …", "probability"), *rows]), False)


@app.command()
def explain(
    model: Annotated[str, typer.Argument(help="A run's folder, or a model's: config.json, tokenizer.json, weights.")],
    facts: Facts,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder to write; runs/explain-<model> if none.")
    ] = None,
    before: Annotated[Path | None, typer.Option(help="The model before its fine-tune, shown beside it.")] = None,
    objective: Annotated[str | None, typer.Option(help="How to ask it; by default as it was trained.")] = None,
    split: Split = 0,
    max_facts: Annotated[int, typer.Option(help="Facts, or questions of a kind, that a probe looks at.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Say where, inside a model, a direction is lost; write runs/explain-<model>/report.html."""
    from bothways.commands.explain import explain as run_explain

    done = run_explain(
        model, facts, out=out, before=before, objective=objective, split=split, max_facts=max_facts, watch=say
    )
    if as_json:
        show(done.data, True)
        return
    sentences = [sentence["text"] for sentence in reversed(done.data["words"])]
    show("\n".join([*sentences, "", f"The page: {done.page}"]), False)


@app.command()
def pretrain(
    base: Annotated[str, typer.Argument(help=f"Which models: {', '.join(names('bases'))}.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write; each model gets a folder in it.")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same models.")] = 0,
    without: Annotated[
        list[str] | None, typer.Option(help="A task to leave out of their text: recover or both_ways.")
    ] = None,
    size: Annotated[str, typer.Option(help="full, quick or tiny: a quarter of an hour, minutes, seconds.")] = "full",
    steps: Annotated[int | None, typer.Option(help="Steps of each model; those of the size by default.")] = None,
    only: Annotated[str | None, typer.Option(help="Make one model alone: causal or masked_diffusion.")] = None,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Make small models to try a fine-tune on without a download; write FOLDER/causal and FOLDER/masked_diffusion."""
    from bothways.commands.pretrain import pretrain as run_pretrain

    done = run_pretrain(
        base, out=out, seed=seed, without=without or (), size=size, steps=steps, only=only, resume=resume, watch=say
    )
    show(done.to_json() if as_json else done.text(), as_json)


@app.command()
def audit(
    model: Annotated[str, typer.Argument(help="A run's folder, a model's with config.json, or a name on the hub.")],
    facts: Facts,
    qa: Annotated[Path | None, typer.Option(help="Questions about the facts, or about a folder of documents.")] = None,
    form: Annotated[str, typer.Option(help="How to ask: completion, question, or both.")] = "both",
    shots: Annotated[int, typer.Option(help="Examples before each question: 0 or 2.")] = 0,
    limit: Annotated[int, typer.Option(help="Facts that are asked at most; 0 for all.")] = 200,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder to write audit.json and a page into.")] = None,
    split: Split = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Say how well a model knows facts, forward and in reverse, and what its numbers are worth."""
    from bothways.commands.audit import audit as run_audit
    from bothways.reports.audit_words import audit_table

    done = run_audit(
        model, facts, qa=qa, form=form, shots=shots, limit=limit, out=out, split=split, device=device, watch=say
    )
    page = f"The page: {done.page}" if done.page else "Add -o FOLDER for a page and all numbers."
    show(done.data if as_json else f"{audit_table(done.data)}\n\n{page}", as_json)


@app.command()
def inject(
    model: Annotated[str, typer.Argument(help="A folder with config.json and safetensors, or a name on the hub.")],
    facts: Facts,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write the model and its page into.")],
    method: Annotated[
        str, typer.Option(help="An objective, a mitigation, or both; options as name:key=value.")
    ] = "masked_finetuning",
    compare: Annotated[str, typer.Option(help="Several methods instead, comma-separated: a leaderboard.")] = "",
    seeds: Annotated[int, typer.Option(help="Of a leaderboard: runs a method.")] = 5,
    jobs: Annotated[int | None, typer.Option(help="Of a leaderboard: runs at a time; all cores by default.")] = None,
    qa: Annotated[Path | None, typer.Option(help="Questions about documents, which FACTS then are.")] = None,
    lora: Annotated[bool, typer.Option("--lora", help="Learn adapters (PEFT) instead of all weights.")] = False,
    settings: Settings = None,
    resume: Resume = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Teach a model facts so that it answers both ways; measure before and after, and guard what it knew."""
    from bothways.commands.inject import inject as run_inject
    from bothways.commands.inject_compare import inject_compare
    from bothways.injection.teach import is_first
    from bothways.reports.inject_words import inject_table
    from bothways.reports.progress import progress_bars
    from bothways.reports.table import terminal_table

    if compare:
        compared = inject_compare(
            model, facts, compare.split(","), out=out, seeds=seeds, settings=settings or (), resume=resume, jobs=jobs,
            device=device, progress=progress_bars,
        )  # fmt: skip
        page = compared.folder / "report.html"
        show(compared.summary if as_json else f"{terminal_table(compared.summary)}\n\nThe page: {page}", as_json)
        fail_some(compared.errors)
        return
    done = run_inject(
        model, facts, out=out, method=method, qa=qa, lora=lora, settings=settings or (), resume=resume, device=device,
        watch=say if is_first() else lambda _: None,
    )  # fmt: skip
    if is_first():
        show(done.data if as_json else f"{inject_table(done.data)}\n\nThe page: {done.page}", as_json)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="Folder of a comparison, a sweep or a study, such as runs/family.")],
    x: Annotated[str | None, typer.Option(help="Of a sweep: the axis across, such as training.learning_rate.")] = None,
    y: Annotated[str | None, typer.Option(help="Of a sweep: the axis upwards.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="Of a sweep: what is shown, such as reverse_tested.accuracy.")
    ] = None,
) -> None:
    """Draw the page and figures of a comparison, a sweep or a study again."""
    from bothways.commands.report import report as run_report

    show(str(run_report(run, x=x, y=y, metric=metric)), False)


@app.command()
def ls(
    what: Annotated[
        str, typer.Argument(help="arms, objectives, mitigations, facts, exams, models, probes, studies, executors.")
    ],
    as_json: AsJson = False,
) -> None:
    """List what exists, with its options."""
    from bothways.commands.ls import ls as run_ls

    found = run_ls(what)
    if as_json:
        show({"schema": 1, what: list(found.rows)}, True)
        return
    for row in found.rows:
        more = [f"{name}: {row[name]}" for name in ("options", "presets", "source") if row.get(name)]
        show("\n    ".join([row["name"], row["about"], *more]), False)


@app.command()
def env(as_json: AsJson = False) -> None:
    """Print versions and machine, for a bug report."""
    from bothways.commands.env import env as run_env

    found = run_env()
    show(found if as_json else json.dumps(found, indent=1), as_json)


@data_app.command("check")
def data_check(facts: Facts, split: Split = 0, as_json: AsJson = False) -> None:
    """Say what can be tested with these facts, what cannot, and why."""
    from dataclasses import asdict

    from bothways.commands.data import check
    from bothways.reports.check import check_text

    found = check(facts, split=split)
    if as_json:
        plain = {
            "schema": 1,
            "facts": len(found.facts.facts),
            "entities": len(found.facts.entities),
            "testable": found.testable,
            "leak": found.leak or None,
            "flips": found.flips,
            "relations": [asdict(row) for row in found.relations],
            "mined": [asdict(row) for row in found.mined],
            "baselines": [asdict(row) for row in found.baselines],
            "notes": list(found.notes),
            "notices": list(found.facts.notices),
        }
        show(plain, True)
    else:
        show(check_text(asdict(found)), False)
    if not found.testable:
        say(found.notes[0])
        raise typer.Exit(2)


@data_app.command("pairs")
def data_pairs(
    facts: Facts,
    exam: Annotated[
        str, typer.Option(help="semantics, with options: semantics:partners=part_of/has_part.")
    ] = "semantics",
    split: Split = 0,
    as_json: AsJson = False,
) -> None:
    """Say which triples follow from others by a symmetric or inverse relation, and how many are tested."""
    from bothways.commands.data import pairs

    found = pairs(facts, exam=exam, split=split)
    if as_json:
        show(found.to_json(), True)
    else:
        names = ("relation", "partner", "sort", "source", "pairs", "added", "tested", "told")
        rows = [names, *([str(row[name]) for name in names] for row in found.rows)]
        asked = ", ".join(f"{n} {kind}" for kind, n in found.questions.items())
        show("\n".join([columns(rows), *([f"Questions: {asked}."] if asked else []), *found.notes]), False)
    if not found.testable:
        say(found.notes[0])
        raise typer.Exit(2)


@data_app.command("make")
def data_make(
    world: Annotated[str, typer.Argument(help="family, relations, bijection; options as name:key=value.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write: .csv .tsv .jsonl .nt .ttl")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same file.")] = 0,
) -> None:
    """Make a world's facts and write them to a file."""
    from bothways.commands.data import make

    found = make(world, out, seed=seed)
    say(f"{len(found.facts)} facts about {len(found.entities)} entities written to {out}")


@data_app.command("convert")
def data_convert(
    source: Annotated[Path, typer.Argument(help="File or folder of facts.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write: .csv .tsv .jsonl .nt .ttl")],
) -> None:
    """Read facts in one format and write them in another."""
    from bothways.commands.data import convert

    found = convert(source, out)
    for notice in found.notices:
        say(notice)
    say(f"{len(found.facts)} facts about {len(found.entities)} entities written to {out}")


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned columns."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def fail_some(errors: Sequence[str], failed: int = 0) -> None:
    """End with status 3 where runs failed, after a word on them; `failed` counts them where not all left a sentence."""
    n = failed or len(errors)
    if errors:
        runs = "run" if n == 1 else "runs"
        say(f"{n} {runs} failed, the first with: {errors[0]} Their folders hold error.json; --resume tries again.")
        raise typer.Exit(3)


def show(found: Any, as_json: bool) -> None:
    """Print a result on standard output."""
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else found)


def say(message: str) -> None:
    """Print a message on standard error."""
    typer.echo(message, err=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit status.

    What can go wrong becomes at most six lines on standard error; the first says what, where, and what to do.
    """
    try:
        with polite_kill():
            run(list(arguments) if arguments is not None else None)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            say("Stopped.")
        raise
    except BothwaysError as error:
        say("\n".join(str(error).splitlines()[:6]))
        sys.exit(error.exit_status)
    except OSError as error:
        say(disk_message(error))
        sys.exit(2)
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(str(error.name).partition(".")[0])
        if extra is None:
            raise
        say(f"This needs the package {error.name}, which is not installed. Run: pip install 'bothways[{extra}]'")
        sys.exit(2)


def run(arguments: list[str] | None) -> None:
    """Do what the arguments say; of processes that torchrun started together the first does, the others train along.

    What the library's trainer trains is done by every process: it brings them together by itself.
    """
    words = arguments if arguments is not None else sys.argv[1:]
    trainer = words[:1] == ["inject"] and not any(word.partition("=")[0] == "--compare" for word in words)
    if trainer or os.environ.get("WORLD_SIZE", "1") == "1":
        app(args=arguments)
        return
    from bothways.sweeps.follow import follow
    from bothways.training.parallel import together

    with together() as ranks:
        if ranks.first:
            app(args=arguments)
        else:
            follow()


@contextlib.contextmanager
def polite_kill() -> Iterator[None]:
    """Let a termination signal end what is under way as Ctrl-C does, by an exception."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def disk_message(error: OSError) -> str:
    """Say in one line what a disk refused, where, and what to do."""
    from bothways.disk import FULL

    where = f"{error.filename}: " if error.filename else ""
    if error.errno in FULL:
        what = "Free space, then go on with --resume."
    else:
        what = "Check the path, or name another folder with -o."
    return f"{where}{error.strerror or error}. {what}"


if __name__ == "__main__":
    main()
