"""Measure, explain and cure the reversal curse.

Every verb of the command line is a function here of the same name; nothing heavy is imported before one is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bothways.commands import data
    from bothways.commands.ask import ask
    from bothways.commands.audit import audit
    from bothways.commands.compare import compare
    from bothways.commands.env import env
    from bothways.commands.explain import explain
    from bothways.commands.ls import ls
    from bothways.commands.pretrain import pretrain
    from bothways.commands.report import report
    from bothways.commands.study import study
    from bothways.commands.sweep import sweep
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.facts.find import find_facts
    from bothways.facts.read import read_facts
    from bothways.facts.write import write_facts
    from bothways.runs import load
    from bothways.types import Exam, Fact, FactSet, Relation

_HOMES = {
    "Exam": "bothways.types",
    "ExamConfig": "bothways.facts.exam",
    "Fact": "bothways.types",
    "FactSet": "bothways.types",
    "Relation": "bothways.types",
    "ask": "bothways.commands.ask",
    "audit": "bothways.commands.audit",
    "compare": "bothways.commands.compare",
    "data": "bothways.commands",
    "env": "bothways.commands.env",
    "explain": "bothways.commands.explain",
    "find_facts": "bothways.facts.find",
    "load": "bothways.runs",
    "ls": "bothways.commands.ls",
    "make_exam": "bothways.facts.exam",
    "pretrain": "bothways.commands.pretrain",
    "read_facts": "bothways.facts.read",
    "report": "bothways.commands.report",
    "study": "bothways.commands.study",
    "sweep": "bothways.commands.sweep",
    "write_facts": "bothways.facts.write",
}

__version__ = "0.1.0"
__all__ = [
    "Exam",
    "ExamConfig",
    "Fact",
    "FactSet",
    "Relation",
    "ask",
    "audit",
    "compare",
    "data",
    "env",
    "explain",
    "find_facts",
    "load",
    "ls",
    "make_exam",
    "pretrain",
    "read_facts",
    "report",
    "study",
    "sweep",
    "write_facts",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'bothways' has no attribute {name!r}")
    if name == "data":
        return importlib.import_module("bothways.commands.data")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
