"""Time every row, write bench/results/*.json and docs/performance.md, and say whether a promise was missed.

    python -m bench [NAME ...]      # rows whose name contains one of the words; all by default

Exit status 1: a row of points 1, 2, 5 or 9 is below its promise. A row that this machine cannot measure is no miss.
"""

import json
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from bench.base import Row, measure
from bench.growth import draw, measure_growth
from bench.rows import dynamics, evaluation, fine_tune, gpu, packs, step, sweeps, text
from bothways.training.speed import matrix_peak

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
ROWS: tuple[Row, ...] = (
    *step.ROWS, *packs.ROWS, *sweeps.ROWS, *evaluation.ROWS, *gpu.ROWS, *dynamics.ROWS, *text.ROWS, *fine_tune.ROWS
)  # fmt: skip
PROMISED = (1, 2, 5, 9)
"""Points whose missed rows make the exit status 1."""
TITLES = {
    1: "The training step", 2: "Packs: runs of one shape in one step", 3: "Sweeps", 5: "Evaluation",
    6: "An accelerator", 7: "The training-dynamics study at its released size", 8: "Text that is written as it is read",
    9: "Fine-tuning a model of the library",
}  # fmt: skip


def machine() -> dict[str, Any]:
    """Return what the numbers hang on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "torch": torch.__version__,
        "peak_fp32": matrix_peak("cpu", False),
        "peak_bf16": matrix_peak("cpu", True),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


HEAD = """# Performance

Written by `make bench`; nothing here is typed. Both sides of a row run in turn, in one process, on one thread. The
ratio is the median over neighbouring pairs, with its quartiles: above 1 we are faster. *Peak* is the share of this
machine's matrix peak (in our precision, measured just before) that our step reaches, counting only the arithmetic the
model needs. *Best possible* is the ratio that 100 % of that peak would give.
"""
Words = Annotated[list[str] | None, typer.Argument(help="Rows whose name contains one of these.")]


def main(words: Words = None) -> None:
    """Time rows, write what was found, print the table."""
    torch.set_num_threads(1)
    RESULTS.mkdir(exist_ok=True)
    for row in ROWS:
        if words and not any(word in row.name for word in words):
            continue
        before = machine()
        found = {**measure(row), "machine": {**before, "load_after": round(os.getloadavg()[0], 2)}}
        (RESULTS / f"{file_name(row)}.json").write_text(json.dumps(found, indent=1) + "\n")
        print(line(found), flush=True)
    if not words:
        growth = {"machine": machine(), "curves": measure_growth()}
        (RESULTS / "growth.json").write_text(json.dumps(growth, indent=1) + "\n")
    found = {row.name: read(row) for row in ROWS}
    write_page([result for result in found.values() if result])
    missed = [r["name"] for r in found.values() if r and r["status"] == "missed" and r["point"] in PROMISED]
    if missed:
        print("Below their promise: " + "; ".join(missed) + ".", file=sys.stderr)
        raise typer.Exit(1)


def file_name(row: Row) -> str:
    """Return the name of a row's result."""
    return re.sub(r"[^a-z0-9]+", "-", row.name.lower()).strip("-")


def read(row: Row) -> dict[str, Any] | None:
    """Return a row's last result."""
    path = RESULTS / f"{file_name(row)}.json"
    return {**json.loads(path.read_text()), "unit": row.unit} if path.exists() else None


def line(found: Mapping[str, Any]) -> str:
    """Return a result as one line of text."""
    if found["status"] == "not measured":
        return f"{found['name']}: not measured. {found['why']}"
    low, high = found["ratio_quartiles"]
    promise = f", promised {found['least']:g}" if found["least"] else ""
    return f"{found['name']}: {found['ratio']:.2f} ({low:.2f} to {high:.2f}{promise}): {found['status']}"


def write_page(results: Sequence[Mapping[str, Any]]) -> None:
    """Write docs/performance.md from the results on disk."""
    parts = [HEAD]
    for point, title in TITLES.items():
        rows = [found for found in results if found["point"] == point]
        if rows:
            parts += [f"\n## {title}\n", *table(rows)]
    growth = RESULTS / "growth.json"
    if growth.exists():
        draw(json.loads(growth.read_text())["curves"], ROOT / "docs" / "figures")
        parts += [
            "\n## How cost grows\n",
            "![Cost against width, length, runs in a pack and facts](figures/performance.svg)",
        ]
    parts += ["\n## The machine\n", *machines(results)]
    PAGE.write_text("\n".join(parts) + "\n", encoding="utf-8")


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return rows as a Markdown table."""
    lines = [
        "| row | ours | peer | ratio | quartiles | promised | peak | best possible | verdict |",
        "|---|---:|---:|---:|---|---:|---:|---:|---|",
    ]
    for found in rows:
        if found["status"] == "not measured":
            lines.append(f"| {found['name']} | | | | | {promised(found)} | | | not measured: {found['why']} |")
            continue
        low, high = found["ratio_quartiles"]
        share = peak_share(found)
        at_peak = f"{share:.0%} | {found['ratio'] / share:.2f}" if share else "| "
        lines.append(
            f"| {found['name']} | {per_unit(found['ours_seconds'])} a {found['unit']} "
            f"| {per_unit(found['peer_seconds'])} "
            f"| {found['ratio']:.2f} | {low:.2f} to {high:.2f} | {promised(found)} "
            f"| {at_peak} | {found['status']}{remarks(found)} |"
        )
    return lines


def promised(found: Mapping[str, Any]) -> str:
    """Return the promise in words."""
    return f"{found['least']:g}" if found["least"] else ""


def peak_share(found: Mapping[str, Any]) -> float | None:
    """Return which share of the machine's peak ours reached."""
    if not found["flop_per_second"] or found["point"] == 6:
        return None
    return found["flop_per_second"] / found["machine"][f"peak_{found['precision']}"]


def per_unit(seconds: float) -> str:
    """Return a time in words."""
    return (
        f"{1e6 * seconds:.3g} us"
        if seconds < 1e-4
        else f"{1000 * seconds:.3g} ms"
        if seconds < 1
        else f"{seconds:.3g} s"
    )


def remarks(found: Mapping[str, Any]) -> str:
    """Return what else a row says of itself."""
    difference = found.get("largest_difference")
    return f"; largest difference {difference:.1g} nats" if difference is not None else ""


def machines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the rows ran on."""
    seen = {}
    for found in results:
        about = found["machine"]
        seen.setdefault((about["processor"], about["cores"], about["threads"], about["torch"]), []).append(found)
    lines = []
    for (processor, cores, threads, version), rows in seen.items():
        loads = [row["machine"][key] for row in rows for key in ("load", "load_after")]
        peaks = [[row["machine"][key] / 1e9 for row in rows] for key in ("peak_fp32", "peak_bf16")]
        fp32, bf16 = (f"{min(peak):.0f} to {max(peak):.0f}" for peak in peaks)
        lines.append(
            f"- {processor}, {cores} cores, {threads} thread a side, torch {version}; load {min(loads)} to "
            f"{max(loads)}; matrix peak of one thread {fp32} GFLOP/s in fp32, {bf16} in bf16 ({len(rows)} rows)."
        )
    return lines


if __name__ == "__main__":
    typer.run(main)
