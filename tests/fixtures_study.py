"""A made-up study: every verdict, every form of picture, names that try to break the page; nothing was measured.

To look at its pages: `python tests/fixtures_study.py FOLDER`.
"""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NASTY = "</script><script>alert(1)</script>"
LONG = "a long sentence that says the same again and again " * 6
COMMAND = "bothways study made-up --quick --seeds 5"

VALUES = {
    "reproduced": (0.62, 0.6, 0.61, 0.63, 0.6),
    "partly": (0.3, 0.9, 0.5, 0.7, 0.6),
    "not_reproduced": (0.95, 0.7, 1.0, 0.85, 0.92),
    "contradicted": (0.01, 0.02, 0.0, 0.01, 0.015),
    "one": (0.6,),
}


def make_claims() -> tuple[Any, ...]:
    """Return claims of every verdict, of several parts, of one seed, and with nasty texts."""
    from bothways.studies.claims import Claim, Part, Region

    def part(name: str, region: Region, what: str = "reverse accuracy, a share") -> Part:
        return Part(what=what, region=region, values=lambda evidence: evidence.computation(name, "value"))

    asked = Region(0.5, 0.8)
    told = {"sentence": "A causal model never learns the reverse of what it reads.", "paper": "0.65 ± 0.02"}
    return (
        Claim(id="TD-10", parts=(part("contradicted", asked),), sure="high", scale="same", **told),
        Claim(id="TD-2", parts=(part("partly", asked),), sure="low", scale="smaller", why="One layer.", **told),
        Claim(
            id="TD-1",
            parts=(part("reproduced", asked, "the headline"), part("reproduced", Region(high=0.05), "another")),
            sure="high", scale="smaller", why=f"Run `bothways study other` to see. {LONG}", **told,
        ),
        Claim(id="TD-3", parts=(part("not_reproduced", asked),), sure="medium", scale="same", **told),
        Claim(id="MD-T1", parts=(part("one", Region(low=0.5)),), sure="ours", scale="same", **told),
        Claim(id="MD-1", parts=(part("reproduced", asked),), sure="ours", scale="same", **told),
        Claim(id="MD-2", parts=(part(NASTY, asked),), sure="ours", scale="same", **told),
        Claim(
            id="BW-1", sentence=f"{NASTY} | *bold* _x_ $y$ {LONG}", paper="=cmd()|`x`", sure="ours", scale="same",
            why=f"Nobody can. {NASTY}\n# No heading [link](http://example.org)",
        ),
    )  # fmt: skip


def make_data(**changes: Any) -> dict[str, Any]:
    """Return what `claims.json` of the made-up study says."""
    from bothways.studies.claims import decide
    from bothways.studies.evidence import Evidence

    computed = {name: [{"value": float(value)} for value in values] for name, values in VALUES.items()}
    evidence = Evidence({}, computed, dict.fromkeys(VALUES, 754.0))
    rows = [decide(claim, evidence, COMMAND).to_json() for claim in make_claims()]
    return {
        "schema": 1, "study": "made-up", "title": "A made-up study", "source": "Nobody, arXiv:0000.00000",
        "quick": True, "command": COMMAND, "claims": rows, **changes,
    }  # fmt: skip


def curve_rows(panels: Sequence[str], series: Sequence[str], n: int = 40) -> list[tuple[Any, ...]]:
    """Return S-shaped curves with bands."""
    rows = []
    for p, panel in enumerate(panels):
        for s, name in enumerate(series):
            for t in range(n):
                x = 10 ** (1 + 3 * t / (n - 1))
                y = 1 / (1 + math.exp(-3 * (math.log10(x) - 1.5 - 0.2 * s - 0.05 * p)))
                half = 0.12 * y * (1 - y) * 4 + 0.01
                rows.append((panel, name, x, y, y - half, y + half))
    return rows


def map_rows(panels: Sequence[str], n_rows: int, n_columns: int) -> list[tuple[Any, ...]]:
    """Return smooth maps with a few holes."""
    return [
        (
            panel,
            f"row {r}",
            c,
            None if (r + c) % 37 == 5 else math.sin(r / n_rows * 5 + p) * math.cos(c / n_columns * 4),
        )
        for p, panel in enumerate(panels)
        for r in range(n_rows)
        for c in range(n_columns)
    ]


def bar_rows(panels: Sequence[str], series: Sequence[str], labels: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return bars of either sign with intervals."""
    rows = []
    for p, panel in enumerate(panels):
        for s, name in enumerate(series):
            for i, label in enumerate(labels):
                y = math.sin(1 + p + s * 2 + i)
                rows.append((panel, name, label, y, y - 0.1, None if i == 2 else y + 0.2))
    return rows


def make_pictures(panels: int = 6, side: int = 120) -> list[Any]:
    """Return pictures of every form, small and large, one of which has nothing to draw."""
    from bothways.studies.base import Picture

    arms = ["causal", "masked_diffusion", "causal+both_directions", NASTY, "any_order", "masked_lm", LONG[:70], "=x"]
    names = [f"layer {place}" for place in range(panels)]
    words = ["forward", "reverse (isolated)", "a label of very many words that goes on", r"$\frac$ <b>"]
    share = {"x": "training step", "y": "share of questions answered right"}
    return [
        Picture(name="Curves <b>", title="How the curse comes", form="curves", rows=curve_rows(names, arms), **share,
                log_x=True, caption="Reverse accuracy rises late or never."),
        Picture(name="one_curve", title="One curve", form="curves", rows=curve_rows([""], ["causal"]), **share,
                log_x=True, log_y=True, caption="Both axes are logarithmic."),
        Picture(name="large_maps", title="Every pair of entities", form="heat_map",
                rows=map_rows(["before", NASTY], side, side), x="asked entity", y="answer", caption="A large one."),
        Picture(name="small_maps", title="Heads", form="heat_map", rows=map_rows(names[:3], 4, 8), x="head", y="layer",
                caption="A small one, with numbers."),
        Picture(name="bars", title="Cures", form="bars", rows=bar_rows(["isolated", "partner"], arms[:3], words),
                y="difference in reverse accuracy", caption="Bars begin at 0."),
        Picture(name="plain_bars", title="One bar a label", form="bars",
                rows=[("", "", label, 0.2 + place / 5, None, None) for place, label in enumerate(words)], y="accuracy"),
        Picture(name="nothing", title=f"Never measured {NASTY}", form="curves", rows=[]),
        Picture(name="below", title="No place on a logarithmic axis", form="bars", log_y=True,
                rows=[("", "", "x", 0.0, 0.0, 0.0)]),
    ]  # fmt: skip


def make_page(folder: Path, panels: int = 6, side: int = 120) -> Path:
    """Write the page of the made-up study and return its path."""
    from bothways.reports.claims_page import write_claims_page

    folder.mkdir(parents=True, exist_ok=True)
    return write_claims_page(folder, make_data(), make_pictures(panels, side))


def make_ledger(folder: Path) -> tuple[Path, Path]:
    """Write a ledger of two made-up studies, and return its two files."""
    from bothways.reports.ledger import write_ledger

    folder.mkdir(parents=True, exist_ok=True)
    return write_ledger(folder, [make_data(), make_data(title=f"Another {NASTY} | study", quick=False)])


if __name__ == "__main__":
    from bothways.reports.ledger import claims_table

    print(make_page(Path(sys.argv[1])), *make_ledger(Path(sys.argv[1])))
    print(claims_table(make_data()["claims"]))
