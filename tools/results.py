"""Write docs/results.md from real comparisons: train what is missing, read what is there.

    python tools/results.py [NAME ...]     # all by default; finished runs under runs/results are not repeated

Every number on the page comes from a `summary.json` under runs/results; nothing is typed.
"""

import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bothways
from bothways.reports.progress import progress_bars

ROOT = Path(__file__).resolve().parents[1]
DATA = Path("../shared/data")
RUNS = Path("runs/results")
KINDS = {"forward": "forward", "reverse_tested": "reverse (isolated)", "reverse_partner": "reverse (partner)"}
DASH = "\N{EN DASH}"
MARKS = ("<!-- results: written by tools/results.py -->", "<!-- /results -->")
EVERY_ARM = (
    "causal,both_directions,masked_diffusion,masked_diffusion:weighting=inverse_rate:normalisation=tokens,any_order,"
    "masked_lm,reverse_training,reverse_training:delimiter=false,reverse_training:unit=token,semantic_permutation,"
    "identity_bridge,identity_bridge:form=round_trip,neutral_mention,relation_blind,shuffled_pairs"
)


@dataclass(frozen=True)
class Shown:
    """One comparison of the page: what it is for, and how to run it."""

    title: str
    about: str
    facts: str
    options: Mapping[str, Any] = field(default_factory=dict)


PAGE: Mapping[str, Shown] = {
    "celebrities": Shown(
        "Real people: parents and children",
        "Berglund et al.'s celebrity pairs, the default arms and recipe.",
        str(DATA / "berglund_reversal_curse/celebrity_relations/parent_child_pairs.csv"),
    ),
    "relations": Shown(
        "A world where only the relation tells partners apart",
        "300 entities, two relations that are random permutations. The budget was declared beforehand.",
        "relations",
        {"settings": ("training.steps=3000",)},
    ),
    "family": Shown(
        "The default world, two arms, two seeds",
        "A family forest with inverse and symmetric relations.",
        "family",
        {"arms": ("causal", "masked_diffusion"), "seeds": 2},
    ),
    "arms": Shown(
        "Every arm on the family world",
        "Two seeds each: what each cure costs forward and in fluency, and whether it is relation-specific.",
        "family:n_families=20",
        {"arms": tuple(EVERY_ARM.split(",")), "seeds": 2, "settings": ("training.steps=700",)},
    ),
    "nations": Shown(
        "Dense graph: nations", "14 entities, 55 relations, many true answers.", str(DATA / "nations"), {"seeds": 3}
    ),
    "umls": Shown(
        "Dense graph: umls",
        "135 entities, 46 relations, many true answers.",
        str(DATA / "umls"),
        {"seeds": 2, "settings": ("training.steps=1000",)},
    ),
    "kinships": Shown(
        "Dense graph: kinships",
        "104 entities, 25 relations, many true answers.",
        str(DATA / "kinships"),
        {"seeds": 2, "settings": ("training.steps=1000",)},
    ),
}


def run(name: str) -> dict[str, Any]:
    """Return the summary of one comparison, trained first if its folder is not finished."""
    shown, folder = PAGE[name], RUNS / name
    if not (folder / "summary.json").exists():
        bothways.compare(shown.facts, out=folder, resume=folder.exists(), progress=progress_bars, **shown.options)
    return json.loads((folder / "summary.json").read_text())


def section(name: str, summary: Mapping[str, Any]) -> Iterable[str]:
    """Yield the lines of one comparison's section."""
    shown, facts = PAGE[name], summary["facts"]
    yield f"## {shown.title}"
    yield ""
    yield shown.about
    yield ""
    yield f"`{summary['command']}`"
    yield ""
    steps = summary["settings"]["training"]["steps"]
    yield (
        f"{facts['facts']} facts, {facts['entities']} entities, {facts['relations']} relations; leak level "
        f"*{facts['leak']}*, {facts['withheld']} facts withheld; {steps} steps, "
        f"{summary['settings']['training']['precision']}; {summary['seconds'] / 60:.0f} core-minutes of training."
    )
    yield ""
    yield from both_ways(summary)
    yield ""
    yield from differences(summary)


def both_ways(summary: Mapping[str, Any]) -> Iterable[str]:
    """Yield the both-ways table."""
    yield (
        "| arm | seeds | "
        + " | ".join(KINDS.values())
        + " | specific | blind | held-out NLL | knows all stated at step |"
    )
    yield "|---|--:|" + "--:|" * (len(KINDS) + 4)
    for arm in summary["arms"]:
        scores = " | ".join(interval(arm[kind], "accuracy", "") for kind in KINDS)
        relation = f"{interval(arm['flip'], 'specific', 'specific_')} | {interval(arm['flip'], 'blind', 'blind_')}"
        known = DASH if arm["known_at"] is None else f"{arm['known_at']:.0f}"
        yield f"| {arm['arm']} | {arm['seeds']} | {scores} | {relation} | {number(arm['held_out_nll'])} | {known} |"
    names = dict.fromkeys(row["baseline"] for row in summary["baselines"])
    for name in names:
        found = {row["kind"]: row["accuracy"] for row in summary["baselines"] if row["baseline"] == name}
        yield (
            f"| *{name.replace('_', ' ')}* | | " + " | ".join(number(found.get(kind)) for kind in KINDS) + " | | | | |"
        )
    reasons = dict.fromkeys(arm["flip"]["why"] for arm in summary["arms"] if arm["flip"]["why"])
    for reason in reasons:
        yield ""
        yield f"Relation or association: {reason}."


def differences(summary: Mapping[str, Any]) -> Iterable[str]:
    """Yield the paired differences, one line each."""
    for row in summary["differences"]:
        equal = "; equal within 0.05" if row["equivalent"] else ""
        yield (
            f"- {row['arm']} minus {row['reference']}, {KINDS[row['kind']]}: {row['difference']:+.2f} "
            f"[{number(row['low'])}, {number(row['high'])}], p (Holm) {small(row['p_holm'])}{equal}"
        )
    yield ""


def sections(page: str) -> dict[str, str]:
    """Return the sections of an earlier page by title: what was run on another machine stays."""
    parts = page.split("\n## ")[1:]
    return {part.partition("\n")[0]: f"## {part}".rstrip() for part in parts}


def write_readme(summary: Mapping[str, Any]) -> None:
    """Put the table of the real people into the README."""
    lines = ["| arm | forward | reverse, isolated | reverse, partner | relation |", "|---|--:|--:|--:|--:|"]
    for arm in summary["arms"]:
        told = "cannot tell" if arm["flip"]["why"] else interval(arm["flip"], "specific", "specific_")
        lines.append(
            f"| {arm['arm']} | " + " | ".join(interval(arm[kind], "accuracy", "") for kind in KINDS) + f" | {told} |"
        )
    copied = {row["kind"]: row["accuracy"] for row in summary["baselines"] if row["baseline"] == "copied_words"}
    lines.append("| *copying a surname* | " + " | ".join(number(copied.get(kind)) for kind in KINDS) + " | |")
    before, _, rest = (ROOT / "README.md").read_text().partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    (ROOT / "README.md").write_text(before + MARKS[0] + "\n" + "\n".join(lines) + "\n" + MARKS[1] + after)


def interval(scores: Mapping[str, Any], name: str, before: str) -> str:
    """Return a value with its interval, or a dash."""
    if scores[name] is None:
        return DASH
    low, high = scores[f"{before}low"], scores[f"{before}high"]
    return f"{scores[name]:.2f} [{number(low)}, {number(high)}]"


def small(p: float) -> str:
    """Return a p-value, or a bound on a tiny one."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def number(value: float | None) -> str:
    """Return two decimals, or a dash."""
    return DASH if value is None else f"{value:.2f}"


def main(names: list[str]) -> None:
    """Run what is asked for, then write the page from everything that is finished here or was on it before."""
    for name in names or PAGE:
        print(name, file=sys.stderr)
        run(name)
    done = [name for name in PAGE if (RUNS / name / "summary.json").exists()]
    lines = [
        "# Results",
        "",
        "Written by `make docs` (`tools/results.py`) from finished comparisons; intervals are 95 %.",
        "",
    ]
    page = ROOT / "docs" / "results.md"
    before = sections(page.read_text()) if page.exists() else {}
    for name, shown in PAGE.items():
        if name in done:
            lines += section(name, json.loads((RUNS / name / "summary.json").read_text()))
        elif shown.title in before:
            lines += [before[shown.title], ""]
    page.write_text("\n".join(lines).rstrip() + "\n")
    if "celebrities" in done:
        write_readme(json.loads((RUNS / "celebrities" / "summary.json").read_text()))
    for name in ("celebrities", "relations"):
        figure = RUNS / name / "figures" / "learning-curves.svg"
        if figure.exists():
            (ROOT / "docs" / "figures").mkdir(exist_ok=True)
            shutil.copyfile(figure, ROOT / "docs" / "figures" / f"{name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
