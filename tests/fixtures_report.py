"""A made-up comparison folder (docs/run-folder.md), for tests of the report and for looking at a page.

No number here was measured: they are drawn from a seeded generator to look like a comparison.
To look at a page: `python tests/fixtures_report.py FOLDER`.
"""

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

KINDS = ("forward", "reverse_tested", "reverse_partner", "reverse_stated")
LEAVES = ("accuracy", "low", "high", "mrr", "nll", "exact", "median_rank", "n")
FLIPS = ("blind", "blind_low", "blind_high", "specific", "specific_low", "specific_high")
ANSWERS = [
    "run_id",
    "arm",
    "seed",
    "query",
    "kind",
    "split",
    "relation",
    "cluster",
    "of",
    "rank",
    "log_prob",
    "completion",
    "correct",
    "exact",
]

ARMS = ("causal", "masked_diffusion", "causal+both_directions")
RELATIONS = ("mother", "father", "teacher", "neighbour", "capital", "author")
BASELINES = (("chance", 0.003), ("most_frequent", 0.02), ("copied_words", 0.11))
WHY = "cannot tell: the control itself is blind"
ERROR = "The loss is not a number at <step> 300; lower the learning rate."

ENDS = {
    "causal": (1.0, 0.0, 0.03, 0.99, 0.0),
    "masked_diffusion": (0.99, 0.87, 0.81, 0.99, 0.79),
    "causal+both_directions": (1.0, 1.0, 1.0, 1.0, 0.98),
}
"""Where the made-up arms end: four kinds of questions, and the share of specific answers."""

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{7*7}}",
    "=cmd()",
    r"$\frac$",
    "\"double\" & 'single' quotes",
    "\u202eמשפחת כהן\u202c",
    "long " + "name" * 49,
    "bell\x07 and \x1b[31mred",
    "lone \ud800 surrogate",
    '<b>bold</b> <a href="https://example.org">link</a>',
)


def make_comparison(
    folder: Path,
    *,
    arms: Sequence[str] = ARMS,
    seeds: int = 5,
    relations: Sequence[str] = RELATIONS,
    names: Sequence[str] = (),
    partner: bool = True,
    told: bool = True,
    failed: Sequence[str] = (),
) -> Path:
    """Write a made-up comparison into `folder` and return it.

    Args:
        folder: where to.
        arms: names of the arms.
        seeds: runs per arm.
        relations: names of the relations.
        names: entity names to use first.
        partner: whether there are questions of the partner stratum.
        told: whether the world can tell relation from association.
        failed: arms of which every run failed.
    """
    random_ = random.Random(0)
    folder.mkdir(parents=True, exist_ok=True)
    kinds = [kind for kind in KINDS if partner or kind != "reverse_partner"]
    exam = make_exam(relations, names, kinds)
    runs = [planned(index, arm, seed) for index, arm in enumerate(arms) for seed in range(seeds)]
    write_json(folder / "exam.json", exam)
    write_lines(folder / "manifest.jsonl", runs)
    rows = [row for run in runs for row in make_run(folder / run["run_id"], run, exam, run["arm"] in failed, random_)]
    write_results(folder / "results.parquet", rows)
    about = {
        "schema": 1,
        "settings": {"seeds": list(range(seeds)), "steps": 2000, "text": {"templates": 4, "questions": True}},
        "versions": {"bothways": "0.0.0", "python": "3.11.0", "torch": "2.0.0"},
        "command": "bothways compare made-up.csv --objective causal --objective masked_diffusion --seeds 5",
    }
    write_json(folder / "comparison.json", about)
    done = [arm for arm in arms if arm not in failed]
    summary = {
        **about,
        "run": "runs/made-up",
        "facts": facts_summary(exam),
        "arms": [arm_summary(arm, seeds, kinds if arm in done else [], told, random_) for arm in arms],
        "baselines": [
            {"baseline": name, "kind": kind, "accuracy": share} for name, share in BASELINES for kind in kinds
        ],
        "differences": differences(done, kinds),
        "relations": relation_rows(done, relations, kinds, random_),
        "seconds": 4021.5,
    }
    write_json(folder / "summary.json", summary)
    return folder


def make_hostile(folder: Path) -> Path:
    """Write a made-up comparison whose names, relations, notes and errors try to break the page."""
    arms = ("causal", HOSTILE[0], HOSTILE[7], HOSTILE[4])
    make_comparison(folder, arms=arms, relations=HOSTILE, names=HOSTILE, failed=(HOSTILE[4],), seeds=2)
    attack = {"name": HOSTILE[1], "source": HOSTILE[0], "notes": list(HOSTILE), "notices": list(HOSTILE)}
    change_json(folder / "exam.json", **attack)
    change_json(folder / "summary.json", facts=json.loads((folder / "summary.json").read_text())["facts"] | attack)
    command = f"bothways compare '{HOSTILE[0]}'  --two-spaces"
    change_json(folder / "comparison.json", command=command, settings={name: name for name in HOSTILE})
    for path in folder.glob("*/error.json"):
        change_json(path, error=" ".join(HOSTILE))
    return folder


def planned(index: int, arm: str, seed: int) -> dict[str, Any]:
    """Return one line of the manifest."""
    parts = [*arm.split("+"), None]
    run_id = f"{index:04x}{seed:04x}"
    return {"run_id": run_id, "arm": arm, "objective": parts[0], "mitigation": parts[1], "seed": seed}


def make_exam(relations: Sequence[str], names: Sequence[str], kinds: Sequence[str]) -> dict[str, Any]:
    """Return a made-up exam: per relation and kind four test and two development questions."""
    surnames, first_names = ("Orlin", "Vask", "Tamsey"), ("Ada", "Bo", "Cyra", "Dov", "Elke", "Finn")
    pool = [*names, *(f"{first} {last}" for last in surnames for first in first_names)]
    facts, queries = [], []
    for relation in relations:
        for kind in (*kinds, "flip"):
            for index in range(6):
                at = len(facts)
                head, tail = pool[at % len(pool)], pool[(at * 7 + 3) % len(pool)]
                facts.append({"head": head, "relation": relation, "tail": tail, "stated": "head_first", "aliases": []})
                split = "dev" if index > 3 else "test"
                queries.append(make_query(facts[-1], at, kind, split))
    bare: dict[str, Any] = {"inverse": None, "symmetric": False, "head_first": [], "tail_first": []}
    return {
        "schema": 1,
        "name": "made-up family",
        "source": "a world made for tests",
        "notices": ["3 duplicate facts were merged."],
        "relations": {name: {"name": name, **bare} for name in relations},
        "facts": facts,
        "withheld": [],
        "candidates": {"people": pool},
        "queries": queries,
        "leak": "bridge",
        "notes": ["The relation 'spouse' has too few facts to be tested (3); it is trained only."],
        "seed": 0,
    }


def make_query(fact: dict[str, Any], at: int, kind: str, split: str) -> dict[str, Any]:
    """Return one question about a fact."""
    forward = kind == "forward"
    cue, answer = (fact["head"], fact["tail"]) if forward else (fact["tail"], fact["head"])
    prompt = f"The {fact['relation']} of {cue} is" if forward else f"{cue} is the {fact['relation']} of"
    start = prompt.index(cue)
    return {
        "prompt": prompt,
        "cue": {"start": start, "end": start + len(cue), "entity": cue},
        "answer": answer,
        "aliases": [],
        "other_truths": [],
        "candidates": "people",
        "fact": at,
        "asks": "tail" if forward else "head",
        "stated": kind in ("forward", "reverse_stated"),
        "kind": kind,
        "split": split,
        "relation": fact["relation"],
        "cluster": at,
        "ends": ".",
        "of": at - 6 if kind == "flip" else None,
    }


def make_run(
    folder: Path, run: dict[str, Any], exam: dict[str, Any], broken: bool, random_: random.Random
) -> list[dict[str, Any]]:
    """Write one run's files and return its answers."""
    folder.mkdir(exist_ok=True)
    write_lines(folder / "metrics.jsonl", metrics(run, exam, random_, 3 if broken else 21))
    if broken:
        write_json(folder / "error.json", {"error": ERROR, "step": 300})
        return []
    finding = {"probe": "embedding_cosine", "summary": f"Made-up finding of seed {run['seed']}.", "table": []}
    write_json(folder / "result.json", {"schema": 1, "run_id": run["run_id"], "findings": [finding]})
    return answers(run, exam, random_)


def ends_of(arm: str) -> dict[str, float]:
    """Return where an arm ends; one that has no place above lies somewhere between."""
    letters = sum(map(ord, arm))
    ends = ENDS.get(arm, (0.99, letters % 90 / 100, 0.81, 0.99, letters % 60 / 100))
    return dict(zip((*KINDS, "specific"), ends, strict=True))


def metrics(run: dict[str, Any], exam: dict[str, Any], random_: random.Random, n: int) -> list[dict[str, Any]]:
    """Return made-up measurements of a run: curves that rise to where its arm ends."""
    late = {"forward": 500, "reverse_stated": 600, "reverse_tested": 1200, "reverse_partner": 1000}
    kinds = [kind for kind in KINDS if any(query["kind"] == kind for query in exam["queries"])]
    speed = 1 + random_.uniform(-0.2, 0.2)
    rows = []
    for step in range(0, n * 100, 100):
        dev = {}
        for kind in kinds:
            risen = 1 / (1 + 2.718 ** (-(step * speed - late[kind]) / 90))
            share = ends_of(run["arm"])[kind] * risen + random_.uniform(-0.02, 0.02)
            dev[kind] = min(1.0, max(0.0, round(share, 3)))
        loss = 4 / (1 + step / 200)
        rows.append({"step": step, "loss": loss, "unweighted_ce": loss, "seconds": step / 100, "dev": dev})
    return rows


def answers(run: dict[str, Any], exam: dict[str, Any], random_: random.Random) -> list[dict[str, Any]]:
    """Return a made-up answer to every question of the exam."""
    rows, pool, ends = [], exam["candidates"]["people"], ends_of(run["arm"])
    for index, query in enumerate(exam["queries"]):
        right = random_.random() < ends.get(query["kind"], 0.1)
        about = {name: query[name] for name in ("kind", "split", "relation", "cluster", "of")}
        said = {
            "rank": 1.0 if right else float(random_.randint(2, 300)),
            "log_prob": -0.1 if right else -5.0,
            "completion": query["answer"] if right else random_.choice(pool),
            "correct": right,
            "exact": right,
        }
        rows.append({"run_id": run["run_id"], "arm": run["arm"], "seed": run["seed"], "query": index, **about, **said})
    return rows


def write_results(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the answers, with the columns also where there are none."""
    import pandas

    whole = json.loads(json.dumps(rows, ensure_ascii=False).encode(errors="replace"))
    pandas.DataFrame(whole, columns=ANSWERS).to_parquet(path)


def facts_summary(exam: dict[str, Any]) -> dict[str, Any]:
    """Return the `facts` object of the summary."""
    return {
        "name": exam["name"],
        "source": exam["source"],
        "hash": "0123456789abcdef",
        "facts": len(exam["facts"]),
        "entities": len(exam["candidates"]["people"]),
        "relations": len(exam["relations"]),
        "isolated": 120,
        "partner": 64,
        "withheld": 0,
        "leak": exam["leak"],
        "notes": exam["notes"],
        "notices": exam["notices"],
    }


def scored(value: float, n: int, random_: random.Random) -> dict[str, float]:
    """Return the eight leaves of one kind of question around an accuracy."""
    half = 0.01 + 0.12 * (value * (1 - value)) ** 0.5 + random_.uniform(0, 0.01)
    return {
        "accuracy": value,
        "low": max(0.0, value - half),
        "high": min(1.0, value + half),
        "mrr": min(1.0, value + 0.03),
        "nll": 0.02 + 7 * (1 - value),
        "exact": value * 0.99,
        "median_rank": 1 if value > 0.5 else 177.5,
        "n": n,
    }


def arm_summary(arm: str, seeds: int, kinds: Sequence[str], told: bool, random_: random.Random) -> dict[str, Any]:
    """Return one arm of the summary; everything is null for kinds not given, and without any the arm failed."""
    run, ends = planned(0, arm, 0), ends_of(arm)
    scores = {k: scored(ends[k], 300, random_) if k in kinds else dict.fromkeys(LEAVES) | {"n": 0} for k in KINDS}
    flip: dict[str, Any] = dict.fromkeys(FLIPS) | {"n": 0, "why": None if told else WHY}
    if told and kinds:
        around = scored(ends["specific"], 200, random_)
        specific = {f"specific{end and '_' + end}": around[end or "accuracy"] for end in ("", "low", "high")}
        flip = {"blind": 0.02, "blind_low": 0.0, "blind_high": 0.05, **specific, "n": 200, "why": None}
    numbers: dict[str, Any] = {"held_out_nll": 0.31, "known_at": 700, "seconds": 83.2}
    return {
        **{name: run[name] for name in ("arm", "objective", "mitigation")},
        "seeds": seeds if kinds else 0,
        "failed": 0 if kinds else seeds,
        **scores,
        "flip": flip,
        "steps": 2000,
        **(numbers if kinds else dict.fromkeys(numbers)),
    }


def differences(arms: Sequence[str], kinds: Sequence[str]) -> list[dict[str, Any]]:
    """Return every arm against the first."""
    rows = []
    for arm in arms[1:]:
        for kind in kinds:
            size = ends_of(arm)[kind] - ends_of(arms[0])[kind]
            p, p_holm = (0.0002, 0.0008) if abs(size) > 0.05 else (0.4, 1.0)
            row = {"arm": arm, "reference": arms[0], "kind": kind, "difference": size, "p": p, "p_holm": p_holm}
            rows.append({**row, "low": size - 0.02, "high": size + 0.02, "equivalent": abs(size) < 0.02})
    return rows


def relation_rows(
    arms: Sequence[str], relations: Sequence[str], kinds: Sequence[str], random_: random.Random
) -> list[dict[str, Any]]:
    """Return an accuracy for every arm, relation and kind."""
    rows = []
    for arm in arms:
        for index, relation in enumerate(relations):
            for kind in kinds:
                accuracy = ends_of(arm)[kind] * random_.uniform(0.85, 1.0)
                rows.append({"arm": arm, "relation": relation, "kind": kind, "n": 60 - index, "accuracy": accuracy})
    return rows


def write_json(path: Path, value: Any) -> None:
    """Write one JSON object."""
    path.write_text(json.dumps(value), encoding="utf-8")


def change_json(path: Path, **changes: Any) -> None:
    """Change keys of a JSON object in its file."""
    write_json(path, json.loads(path.read_text(encoding="utf-8")) | changes)


def write_lines(path: Path, values: Sequence[Any]) -> None:
    """Write one JSON object per line."""
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")


if __name__ == "__main__":
    from bothways.reports.page import write_report

    print(write_report(make_comparison(Path(sys.argv[1]))))
