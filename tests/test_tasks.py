"""The probe of tasks, and sampling: known answers of models that write what they are told to."""

import pytest
import torch
from tests.graph_texts import corpus_of, exam_of, small


def knows(tokenizer, exam, *kinds):
    """A model that writes the answer of the first such question with a prompt, and an end token after any other."""
    from bothways.evaluation.scoring import ask
    from bothways.tensors import SPECIAL, LanguageModel

    table = {}
    for one in ask(exam, tokenizer, range(len(exam.queries))):
        if one.query.kind.startswith(kinds):
            for n, token in enumerate(one.answer):
                table.setdefault(tuple(one.prompt + one.answer[:n]), token)

    class Knows(LanguageModel):
        def __init__(self):
            super().__init__()
            self.n_tokens = tokenizer.n_tokens
            self.zero = torch.nn.Parameter(torch.zeros(()))

        def hidden(self, tokens_BL, *, causal):
            out = torch.zeros(*tokens_BL.shape, self.n_tokens)
            for b, row in enumerate(tokens_BL.tolist()):
                for n in range(len(row)):
                    out[b, n, table.get(tuple(row[: n + 1]), SPECIAL.end)] = 30.0
            return out + self.zero

        @property
        def output_VD(self):
            return torch.eye(self.n_tokens)

    return Knows()


@pytest.fixture(scope="module")
def asked():
    """An exam of few graphs, and its tokenizer."""
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer

    world = small(n_graphs=6, n_tested=4, n_context=1)
    exam = exam_of(world)
    return exam, fit_tokenizer(corpus_of(world), exam, TokenizerConfig(kind="word"))


def found(asked, *kinds, **options):
    """What the probe says of a model that knows some kinds."""
    from bothways.mechanisms.tasks import Tasks
    from bothways.objectives.causal import Causal

    exam, tokenizer = asked
    return Tasks(**options)(knows(tokenizer, exam, *kinds), Causal(), tokenizer, exam)


def test_each_kind_has_its_own_share(asked):
    """Who knows what follows forward and nothing else is right there, and is specific and never blind."""
    finding = found(asked, "logic_symmetric_forward", "memory_job", kinds="logic memory")
    numbers = finding.numbers
    assert [1.0, 0.0, 1.0, 0.0] == [
        numbers[f"{kind}_exact"]
        for kind in ("logic_symmetric_forward", "logic_symmetric_reverse", "memory_job", "memory_people")
    ]
    assert (1.0, 0.0) == (numbers["logic_symmetric_forward_specific"], numbers["logic_symmetric_forward_blind"])
    assert (0.0, 0.0) == (numbers["logic_inverse_reverse_specific"], numbers["logic_inverse_reverse_blind"])
    assert numbers["memory_job_nll"] < 1e-6
    assert numbers["memory_people_nll"] > 10
    assert not any(row["kind"].startswith(("stated", "ask_")) for row in finding.table)
    assert "memory_job 1.00" in finding.summary
    assert "flip" not in finding.summary


def test_who_answers_by_association_is_blind(asked):
    """The partner is given whatever the relation: right where it is right, and never specific."""
    numbers = found(asked, "logic_symmetric", "flip", kinds="logic_symmetric").numbers
    for direction in ("forward", "reverse"):
        shares = [numbers[f"logic_symmetric_{direction}_{name}"] for name in ("exact", "specific", "blind")]
        assert [1.0, 0.0, 1.0] == shares


def test_a_model_that_is_sure_is_sampled_as_it_is(asked):
    """Beside the greedy share stands the sampled one, where it is asked for."""
    options = {"kinds": "memory_job stated"}
    assert not any("sampled" in name for name in found(asked, "memory_job", **options).numbers)
    numbers = found(asked, "memory_job", sampled=True, **options).numbers
    assert (1.0, 0.0) == (numbers["memory_job_sampled"], numbers["stated_inverse_sampled"])


def test_no_more_questions_of_a_kind_than_wanted(asked):
    """The rows say how many."""
    rows = found(asked, "memory", kinds="memory", max_queries=2).table
    assert [2, 2] == [row["questions"] for row in rows]


def draws(log_prob_NV, **options):
    """What is drawn from each row."""
    from bothways.objectives.answering import sampling

    settings = {"temperature": 1.0, "top_k": 100, "seed": 0, **options}
    generator = torch.Generator().manual_seed(settings["seed"])
    return sampling(settings["temperature"], settings["top_k"], generator)(log_prob_NV).tolist()


def some_rows(n=200, n_tokens=12):
    """Log-probabilities of different rows."""
    return torch.randn(n, n_tokens, generator=torch.Generator().manual_seed(1)).log_softmax(-1)


@pytest.mark.parametrize("options", [{"temperature": 1e-5}, {"top_k": 1}])
def test_cold_or_narrow_sampling_is_greedy(options):
    """Only the likeliest token is left."""
    from bothways.objectives.answering import greedily

    assert greedily(some_rows()).tolist() == draws(some_rows(), **options)


def test_only_the_likeliest_are_drawn_and_the_same_seed_draws_the_same():
    """Each of the k, and none beside them."""
    rows = some_rows()
    best = rows.topk(3).indices
    drawn = draws(rows, top_k=3)
    assert all(token in of_row for token, of_row in zip(drawn, best.tolist(), strict=True))
    assert {0, 1, 2} == {of_row.index(token) for token, of_row in zip(drawn, best.tolist(), strict=True)}
    assert drawn == draws(rows, top_k=3)
    assert drawn != draws(rows, top_k=3, seed=1)


def test_tokens_are_drawn_as_often_as_they_are_likely():
    """At temperature one by their shares; at one half by the squares of these, made to sum to one."""
    rows = torch.tensor([0.6, 0.3, 0.1]).log().expand(20_000, 3)
    for temperature, expected in ((1.0, [0.6, 0.3, 0.1]), (0.5, [0.36 / 0.46, 0.09 / 0.46, 0.01 / 0.46])):
        drawn = torch.bincount(torch.tensor(draws(rows, temperature=temperature)), minlength=3) / 20_000
        assert pytest.approx(expected, abs=0.015) == drawn.tolist()
