"""Point 8: text that is written as it is read, against filling one template at a time.

The world of graphs writes its sentences as word numbers, thousands at once; the peer renders the same facts as strings,
without looking a word up. What the project wants is 100,000 sentences a second on one core: a time of 10 microseconds.
"""

import numpy as np

from bench.base import Pair, Row
from bothways.facts.graphs.writer import TEMPLATES, Writer
from bothways.facts.templates import render
from bothways.facts.worlds.graphs import TRIPLES, Graphs
from bothways.text.graph_text import GraphText, Told

PARAGRAPHS = 2000
"""Written in one call, seven sentences each."""


def written() -> Pair:
    """Return calls that write paragraphs of told graphs."""
    world = Graphs(n_graphs=PARAGRAPHS)
    told = Told(Writer(world=world, seed=0), GraphText(world=world), 0)
    row_R, facts = np.arange(PARAGRAPHS), world.facts_of(0, "told")

    def one_by_one() -> None:
        for n, fact in enumerate(facts):
            render(world.relations[fact.relation].head_first[n % TEMPLATES], fact)

    return Pair(lambda: told.write(row_R), one_by_one, units=PARAGRAPHS * TRIPLES)


ROWS = [
    Row("text of the world of graphs", 8, "all sentences at once", "one template at a time", "sentence", written)
]  # fmt: skip
