"""Reading what candidates share only once changes nothing: every log-probability is that of a row of its own."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

N_TOKENS, LENGTH = 14, 12
OBJECTIVES = ("causal", "masked_diffusion", "masked_lm", "any_order")
TOKEN = st.integers(6, 9)  # few, so that much is shared
PROMPTS = st.lists(st.lists(TOKEN, min_size=1, max_size=4), min_size=1, max_size=5)
POOLS = st.lists(st.lists(TOKEN, max_size=4), min_size=1, max_size=8)


def own_model(positions: str) -> Any:
    """A small transformer with random weights that matter."""
    from bothways.models.transformer import TransformerConfig

    config = TransformerConfig(d_model=16, n_heads=2, d_mlp=32, positions=positions, max_length=LENGTH)
    return config.build(N_TOKENS, seed=0).eval()


def row_by_row(model: Any, objective: Any, questions: Any, length: int) -> list[np.ndarray]:
    """What `branch_log_probs` must give: each candidate in a row of its own, asked through `log_prob`."""
    import torch

    out = []
    for prompt, pool in questions:
        scores = []
        for ids in pool:
            tokens_BL = torch.full((1, length), model.special.end)
            tokens_BL[0, : len(prompt) + len(ids)] = torch.tensor([*prompt, *ids])
            place_L = torch.arange(length)
            asked_BL = ((place_L >= len(prompt)) & (place_L < len(prompt) + len(ids)))[None]
            with torch.inference_mode():
                scores.append(float(objective.log_prob(model, tokens_BL, asked_BL).double().sum()) if ids else 0.0)
        out.append(np.array(scores))
    return out


def check(model: Any, objective: Any, questions: Any, length: int = LENGTH, atol: float = 1e-4) -> None:
    import torch

    from bothways.evaluation.scoring import branch_log_probs
    from bothways.trees import Branches

    with torch.inference_mode():
        found = branch_log_probs(model, objective, [(p, Branches.of(pool)) for p, pool in questions], length)
        for ours, theirs in zip(found, row_by_row(model, objective, questions, length), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)


@pytest.mark.parametrize("positions", ["none", "learned", "rotary", "alibi"])
@given(prompts=PROMPTS, pool=POOLS, other=POOLS)
@settings(max_examples=15)
def test_candidates_of_a_causal_model_may_share_what_they_read(positions, prompts, pool, other):
    """Prompts inside prompts, candidates inside candidates, two pools at one prompt, candidates twice."""
    from bothways.registry import lookup

    questions = [(p, pool) for p in prompts] + [(prompts[0], other)]
    check(own_model(positions), lookup("objectives", "causal")(), questions)


@pytest.mark.parametrize("name", OBJECTIVES[1:])
@given(prompts=PROMPTS, pool=POOLS)
@settings(max_examples=8)
def test_candidates_of_a_masked_model_may_share_their_beginnings(name, prompts, pool):
    from bothways.registry import lookup

    check(own_model("learned"), lookup("objectives", name)(), [(p, pool) for p in prompts])


@given(prompts=PROMPTS, pool=POOLS)
@settings(max_examples=10)
def test_an_objective_that_shares_nothing_is_asked_once_a_branch(prompts, pool):
    """What an objective inherits: one row a branch, each token asked in one of them."""
    from bothways.registry import lookup
    from bothways.tensors import Objective

    objective = lookup("objectives", "causal")()
    inherited = type("Plain", (type(objective),), {"tree_log_prob": Objective.tree_log_prob})()
    check(own_model("learned"), inherited, [(p, pool) for p in prompts])


@pytest.mark.parametrize("name", OBJECTIVES[:2])
def test_many_rows_and_groups_are_joined_in_order(name, monkeypatch):
    """Rows too narrow for a prompt, batches of two rows, groups of a few questions: the cuts leave no mark."""
    from bothways.evaluation import scoring
    from bothways.objectives import branches
    from bothways.registry import lookup

    monkeypatch.setattr(scoring, "NODES", 40)
    for constant, value in (("WIDTH", 1), ("TOKENS", 60), ("PREFIXES", 3), ("LOGITS", 3 * N_TOKENS)):
        monkeypatch.setattr(branches, constant, value)
    random = np.random.default_rng(0)

    def some(n: int, most: int) -> list[list[int]]:
        return [random.integers(6, 10, random.integers(1, most + 1)).tolist() for _ in range(n)]

    check(own_model("learned"), lookup("objectives", name)(), [(p, some(20, 4)) for p in some(15, 5)])


def test_a_node_is_read_once_and_a_leaf_never():
    """The cost: rows hold each token with a continuation once, but for the ancestors that begin a row."""
    from bothways.trees import Branches, grow, lay_out

    pool = Branches.of([[a, b, 2] for a in range(10, 15) for b in range(20, 26)])
    tree, _ = grow([([1, 6, 7], pool), ([1, 6, 8], pool)])
    rows = next(lay_out(tree, 74, 1))
    assert 2 + 2 * (1 + 5 + 30) == len(tree.read_F) == int(rows.new_BL.sum()) == rows.new_BL.numel()
    assert tree.asked_N.sum() == 2 * (5 + 30 + 30)


def test_evaluate_gives_the_ranks_of_whole_candidates_row_by_row():
    """Several tokens an answer: rank and log-probability are those of the naive reading, for every objective."""
    from tests.exam_worlds import exam_of, fact_set
    from tests.test_scoring import fit

    from bothways.batches.batches import query_tokens
    from bothways.evaluation.scoring import Pool, evaluate, filtered_rank, room_needed
    from bothways.models.transformer import TransformerConfig
    from bothways.registry import lookup

    exam = exam_of(fact_set([(f"Al Oak{i % 3} {i}", "likes", f"Bo Elm{i % 4} {i}", None) for i in range(12)]))
    tokenizer = fit(exam, "word")
    length = room_needed(exam, tokenizer)
    model = TransformerConfig(d_model=16, n_heads=2, d_mlp=32).build(tokenizer.n_tokens, seed=0)
    for name in OBJECTIVES:
        objective = lookup("objectives", name)()
        for score in evaluate(model, objective, exam=exam, tokenizer=tokenizer, length=length):
            query = exam.queries[score.query]
            prompt, answer = query_tokens(query, query.answer, tokenizer)
            pool = Pool.of(exam.candidates[query.candidates], tokenizer)
            naive_C = row_by_row(model, objective, [(prompt, [[*ids, answer[-1]] for ids in pool.ids])], length)[0]
            assert score.rank == filtered_rank(naive_C, pool.place, query)
            assert score.log_prob == pytest.approx(naive_C[pool.place[query.answer]], abs=1e-4)


def library_model(kind: str, attention: str = "sdpa", **more: Any) -> Any:
    """A tiny model of the transformers library with random weights; Llama's heads share keys and values in pairs."""
    import torch
    import transformers

    torch.manual_seed(0)
    ids = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    if kind == "gpt2":
        small = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "initializer_range": 0.3}
        config = transformers.GPT2Config(vocab_size=N_TOKENS, attn_implementation=attention, **small, **ids, **more)
        return transformers.GPT2LMHeadModel(config)
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    small |= {"intermediate_size": 64, "max_position_embeddings": 64, "initializer_range": 0.3}
    names = {"llama": ("LlamaConfig", "LlamaForCausalLM"), "mistral": ("MistralConfig", "MistralForCausalLM")}
    names |= {"gemma2": ("Gemma2Config", "Gemma2ForCausalLM"), "bloom": ("BloomConfig", "BloomForCausalLM")}
    config_name, model_name = names[kind]
    if kind == "bloom":
        small = {"hidden_size": 32, "n_layer": 2, "n_head": 4, "initializer_range": 0.3}
    config = getattr(transformers, config_name)(
        vocab_size=N_TOKENS, attn_implementation=attention, **{**small, **ids, **more}
    )
    return getattr(transformers, model_name)(config)


def wrapped(kind: str, attention: str = "sdpa", **more: Any) -> Any:
    from bothways.models.huggingface import HuggingFaceModel
    from bothways.tensors import SPECIAL

    return HuggingFaceModel(library_model(kind, attention, **more), SPECIAL).requires_grad_(False)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@given(prompts=PROMPTS, pool=POOLS)
@settings(max_examples=8)
def test_a_library_model_may_share_what_it_reads(kind, attention, prompts, pool):
    from bothways.registry import lookup

    model = wrapped(kind, attention)
    assert model.reads_trees(128)
    check(model, lookup("objectives", "causal")(), [(p, pool) for p in prompts])


def test_a_library_model_that_keeps_no_branches_apart_reads_rows():
    """BLOOM reads places off the order of tokens: trying shows it, and rows of their own are right all the same."""
    from bothways.registry import lookup

    model = wrapped("bloom", "eager")
    assert not model.reads_trees(16)
    check(model, lookup("objectives", "causal")(), [([6, 7], [[6, 8], [6, 9], [7]]), ([6], [[7, 7, 8]])])


def test_a_library_model_with_a_short_window_reads_rows():
    """Rows wider than what a token reads back would lose their prompts."""
    model = wrapped("mistral", sliding_window=32)
    assert model.reads_trees(32) and not model.reads_trees(33)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_the_mask_has_the_form_its_attention_expects(kind):
    """Eager attention takes a boolean mask without complaint and is then wrong: fused and eager must agree."""
    import torch

    from bothways.trees import Branches, grow, lay_out

    tokens_BL = torch.randint(6, N_TOKENS, (2, 7), generator=torch.Generator().manual_seed(0))
    tree, _ = grow([([6, 7], Branches.of([[8, 9, 6], [9, 8, 7], [7, 7]]))])
    rows = next(lay_out(tree, len(tree.read_F), 1))
    fused, eager = wrapped(kind, "sdpa"), wrapped(kind, "eager")
    with torch.inference_mode():
        for read in (
            lambda model: model(tokens_BL, causal=True),
            lambda model: model(tokens_BL, causal=False),
            lambda model: model.hidden_of_trees(rows),
        ):
            torch.testing.assert_close(read(fused), read(eager), atol=1e-5, rtol=0)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_library_model_reads_ahead_only_when_it_is_not_causal(attention):
    import torch

    model, tokens_1L = wrapped("gpt2", attention), torch.tensor([[6, 7, 8, 9]])
    changed_1L = torch.tensor([[6, 7, 8, 10]])
    with torch.inference_mode():
        for causal in (True, False):
            first, other = (model.hidden(rows, causal=causal)[:, 0] for rows in (tokens_1L, changed_1L))
            assert causal == torch.equal(first, other)


def test_a_library_model_with_other_logits_is_refused():
    """A cap on the logits, or a bias, would be lost."""
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match="not its hidden states times its output matrix"):
        wrapped("gemma2", "eager", head_dim=8, query_pre_attn_scalar=8, final_logit_softcapping=0.5)


def test_a_library_model_without_a_mask_token_is_not_asked_what_is_masked():
    from dataclasses import replace

    from bothways.errors import BothwaysError
    from bothways.registry import lookup

    model = wrapped("gpt2")
    model.special = replace(model.special, mask=-1)
    with pytest.raises(BothwaysError, match="has no mask token"):
        check(model, lookup("objectives", "masked_lm")(), [([6], [[7]])])


def library_tokenizer() -> Any:
    """A byte-pair tokenizer in the library's wrapping, without a begin token as GPT-2's."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer, inner.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner.train_from_iterator(
        ["Al Oak's mother is Bo Elm", "Bo Elm's child is Al Oak"],
        trainers.BpeTrainer(vocab_size=300, special_tokens=["<end>"], initial_alphabet=alphabet, show_progress=False),
    )
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>")


def test_a_library_tokenizer_cuts_a_question_as_it_would_cut_the_whole_text():
    """Prompt and answer are the tokens of the sentence; the entity's tokens are known; nothing stands before them."""
    from tests.test_scoring import query

    from bothways.batches.batches import query_tokens
    from bothways.batches.huggingface import HuggingFaceTokenizer
    from bothways.types import Span

    tokenizer = HuggingFaceTokenizer(library_tokenizer())
    asked = query("Bo Elm", prompt="Al Oak's mother is", cue=Span(0, 6, "Al Oak"))
    prompt, answer = query_tokens(asked, asked.answer, tokenizer)
    whole = tokenizer.library("Al Oak's mother is Bo Elm<end>").input_ids
    assert whole == [*prompt, *answer]
    encoded = tokenizer.encode(asked.prompt, (asked.cue,))
    assert "Al Oak" == tokenizer.decode(i for i, e in zip(encoded.ids, encoded.entity, strict=True) if e == 0)
    assert "Bo Elm" == tokenizer.decode(answer)
    assert () == tokenizer.start


def encoder_tokenizer() -> Any:
    """A tokenizer as BERT's: words, a class token before and a separator after each text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Al", "Oak", "Bo", "Elm", "'", "s", "mother", "is", "child"]
    inner = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    inner.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, mask_token="[MASK]", **names)


def test_an_encoders_tokenizer_is_read_from_its_folder(tmp_path):
    """Its separator ends a text; prompt and answer are what it would make of the whole sentence."""
    from tests.test_scoring import query

    from bothways.batches.batches import query_tokens
    from bothways.batches.huggingface import open_tokenizer
    from bothways.errors import RunError
    from bothways.types import Span, SpecialTokens

    with pytest.raises(RunError, match=r"tokenizer\.json is missing"):
        open_tokenizer(tmp_path)
    encoder_tokenizer().save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "nobody knows"}')
    tokenizer = open_tokenizer(tmp_path)
    assert SpecialTokens(pad=0, begin=2, end=3, mask=4, unknown=1, delimiter=-1) == tokenizer.special
    asked = query("Bo Elm", prompt="Al Oak's mother is", cue=Span(0, 6, "Al Oak"))
    prompt, answer = query_tokens(asked, asked.answer, tokenizer)
    assert tokenizer.library("Al Oak's mother is Bo Elm").input_ids == [*prompt, *answer]
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(RunError, match=r"tokenizer\.json cannot be read"):
        open_tokenizer(tmp_path)


def test_a_tokenizer_that_ends_no_text_is_refused():
    from bothways.batches.huggingface import HuggingFaceTokenizer
    from bothways.errors import BothwaysError

    library = encoder_tokenizer()
    library.sep_token = None
    with pytest.raises(BothwaysError, match="no token that ends a text"):
        HuggingFaceTokenizer(library)


def test_a_saved_library_model_is_examined_offline(tmp_path):
    """From a folder to ranks: log-probabilities are those of the library's own forward pass."""
    import torch
    from tests.exam_worlds import exam_of, fact_set
    from transformers import GPT2Config, GPT2LMHeadModel

    from bothways.batches.batches import query_tokens
    from bothways.batches.huggingface import HuggingFaceTokenizer
    from bothways.evaluation.scoring import evaluate, room_needed
    from bothways.models.open import open_model
    from bothways.objectives.causal import Causal

    tokenizer = HuggingFaceTokenizer(library_tokenizer())
    end = tokenizer.special.end
    config = GPT2Config(
        vocab_size=tokenizer.n_tokens, n_embd=32, n_layer=2, n_head=4, bos_token_id=end, eos_token_id=end
    )
    reference = GPT2LMHeadModel(config).eval()
    reference.save_pretrained(tmp_path)
    model = open_model(tmp_path, tokenizer.special)
    exam = exam_of(fact_set([(f"Al Oak {i}", "mother", f"Bo Elm {i}", None) for i in range(8)]))
    scores = evaluate(model, Causal(), exam=exam, tokenizer=tokenizer, length=room_needed(exam, tokenizer))
    for score in scores:
        query = exam.queries[score.query]
        prompt, answer = query_tokens(query, query.answer, tokenizer)
        with torch.inference_mode():
            log_prob_LV = reference(torch.tensor([[*prompt, *answer]])).logits[0].log_softmax(-1)
        places = torch.arange(len(prompt) - 1, len(prompt) + len(answer) - 1)
        assert score.log_prob == pytest.approx(float(log_prob_LV[places, torch.tensor(answer)].sum()), abs=1e-4)


def test_a_folder_without_a_library_model_is_refused(tmp_path):
    from bothways.errors import RunError
    from bothways.models.open import open_model
    from bothways.tensors import SPECIAL

    with pytest.raises(RunError, match="no language model can be read"):
        open_model(tmp_path, SPECIAL)
