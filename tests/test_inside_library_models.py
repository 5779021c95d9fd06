"""What a library model shows of its inside is what it computes with, whichever family it is of."""

import math
from pathlib import Path
from typing import Any

import pytest
from tests.library_models import ENCODERS, library_model, opened, some_tokens

DECODERS = ("gpt2", "gpt_neox", "llama", "qwen2", "mistral", "gemma")
FAMILIES = (*DECODERS, *ENCODERS)
WAYS = [(kind, True) for kind in DECODERS] + [(kind, False) for kind in FAMILIES]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize(("kind", "causal"), WAYS)
def test_a_trace_is_what_the_model_computes(kind: str, causal: bool, attention: str, tmp_path: Path) -> None:
    """Softmax of the scores is the library's attention, the stream ends where the logits are made."""
    import torch

    _, model = opened(kind, tmp_path, attention)
    tokens_BL = some_tokens()
    before = model(tokens_BL, causal=causal)
    trace = model.trace(tokens_BL, causal=causal)
    assert (3, 2) == (len(trace.stream), len(trace.score))
    assert torch.allclose(before, model.unembed(model.lens(trace.stream[-1])), atol=1e-4)
    plain = library_model(kind, "eager")
    allowed = torch.zeros(2, 1, 9, 9)
    given = {} if causal or kind in ENCODERS else {"attention_mask": allowed}
    theirs = plain(input_ids=tokens_BL, output_attentions=True, output_hidden_states=True, **given)
    for score, weight in zip(trace.score, theirs.attentions, strict=True):
        assert torch.allclose(torch.ones(2, 4, 9), score.softmax(-1).sum(-1), atol=1e-5)
        assert torch.allclose(weight, score.softmax(-1), atol=1e-5)
        assert causal == bool(score[..., torch.ones(9, 9).triu(1).bool()].isinf().all())
    for ours, state in zip(trace.stream[:-1], theirs.hidden_states[:-1], strict=True):
        assert torch.allclose(ours, state, atol=1e-4)
    assert attention == model.model.config._attn_implementation
    assert torch.equal(before, model(tokens_BL, causal=causal))


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_stream_of_each_block_is_what_the_next_one_reads(kind: str, tmp_path: Path) -> None:
    """In particular the last one is not normed yet, where blocks leave norming to their readers."""
    import torch

    from bothways.models.head_maps import blocks_of

    _, model = opened(kind, tmp_path)
    blocks, out = blocks_of(model.model.base_model, 2), []
    for block in blocks:
        block.register_forward_hook(lambda _module, _given, made: out.append(made[0] if type(made) is tuple else made))
    stream = model.trace(some_tokens(), causal=kind in DECODERS).stream
    assert all(torch.equal(made, shown) for made, shown in zip(out, stream[1:], strict=True))


def normed(kind: str, x: Any) -> Any:
    """Return a stream normed but not scaled, as blocks of a family read it."""
    if kind in ("bert", "roberta"):
        return x
    if kind in ("llama", "qwen2", "mistral", "gemma"):
        return x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt()
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()


def silence_what_maps_leave_out(model: Any) -> None:
    """Set all biases to zero, and rotation to none."""
    import torch

    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if "inv_freq" in name:
                module.register_buffer(name, torch.zeros_like(buffer), persistent=False)


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("kind", FAMILIES)
def test_scores_and_what_heads_write_follow_from_the_maps(kind: str, layer: int, tmp_path: Path) -> None:
    """Without biases and rotation: scores are q.k over the normed stream, and attention writes what its heads read."""
    import torch

    from bothways.models.head_maps import blocks_of, layout_of

    _, model = opened(kind, tmp_path)
    silence_what_maps_leave_out(model)
    block = blocks_of(model.model.base_model, 2)[layer]
    written: list[Any] = []
    block.get_submodule(layout_of(block).out).register_forward_hook(lambda _module, _given, made: written.append(made))
    trace, maps = model.trace(some_tokens(), causal=False), model.head_maps(layer)
    x_BLD = trace.stream[layer] if kind == "modernbert" and layer == 0 else normed(kind, trace.stream[layer])
    query, key = (torch.einsum("bld,hkd->bhlk", x_BLD, m) for m in (maps.query_HKD, maps.key_HKD))
    score_BHLL = (query @ key.mT / math.sqrt(8)).masked_fill(trace.score[layer].isinf(), -torch.inf)
    assert torch.allclose(score_BHLL.softmax(-1), trace.score[layer].softmax(-1), atol=1e-5)
    read = torch.einsum("bhlm,bmd,hkd,hek->ble", score_BHLL.softmax(-1), x_BLD, maps.value_HKD, maps.out_HDK)
    assert torch.allclose(read, written[0], atol=1e-4)


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize("tied", [False, True])
def test_a_gradient_is_cut_into_what_its_weights_are_for(kind: str, tied: bool, tmp_path: Path) -> None:
    """Nothing is lost or counted twice; an output matrix that is the embedding too is neither."""
    _, model = opened(kind, tmp_path, tie_word_embeddings=tied)
    sums: dict[str, float] = {"routing": 0.0, "storage": 0.0, "other": 0.0}
    parts = {role: 0 for role in sums}
    for name, parameter in model.named_parameters():
        for role, part in model.part_of(name, parameter).items():
            parts[role] += part.numel()
            sums[role] += float(part.sum())
    assert sum(parts.values()) == sum(p.numel() for p in model.parameters())
    one = model.head_maps(0)
    shared = 2 if kind in ("llama", "qwen2", "mistral", "gemma") else 1
    has_bias = {"routing": kind not in ("llama", "mistral", "gemma", "modernbert")}
    has_bias["storage"] = has_bias["routing"] and kind != "qwen2"
    width = one.query_HKD.shape[0] * one.query_HKD.shape[1]
    expected = 2 * (width + width // shared) * (32 + has_bias["routing"])
    assert expected == parts["routing"]
    value = width // shared * (32 + has_bias["routing"])
    output = 0 if tied else 60 * 32
    assert 2 * (value + width * 32 + 32 * has_bias["storage"]) + output == parts["storage"]


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox", "modernbert"])
def test_the_thirds_of_a_joint_matrix_go_to_where_they_belong(kind: str, tmp_path: Path) -> None:
    """The part called routing is the gradient of queries and keys: only they change when only they are pushed."""

    from bothways.models.head_maps import blocks_of, layout_of

    _, model = opened(kind, tmp_path)
    blocks = blocks_of(model.model.base_model, 2)
    prefix = next(path for path, module in model.named_modules() if module is blocks)
    name = f"{prefix}.1.{layout_of(blocks[1]).inward[0]}.weight"
    parameter = model.get_parameter(name).requires_grad_(True)
    maps = model.head_maps(1)
    (maps.query_HKD.sum() + maps.key_HKD.sum()).backward()
    cut = model.part_of(name, parameter.grad)
    assert bool((cut["routing"] != 0).all())
    assert not bool((cut["storage"] != 0).any())
    assert 2 * 32 * 32 == cut["routing"].numel()


def test_dream_is_traced_where_it_reads(tmp_path: Path) -> None:
    """The stream is not moved: at a place it predicts the next one, as `shift` says."""
    import torch
    from tests.test_open_model import DREAM, bare, random_weights, under_qwen2, write

    from bothways.models.open import open_model

    folder = write(tmp_path, DREAM, under_qwen2(random_weights(biases=True)))
    model = open_model(folder, bare()).requires_grad_(False)
    tokens_BL = some_tokens()
    shown = model.unembed(model.lens(model.trace(tokens_BL, causal=False).stream[-1]))
    assert torch.allclose(model(tokens_BL, causal=False)[:, model.shift :], shown[:, : -model.shift], atol=1e-4)


def test_a_model_without_attention_says_so(tmp_path: Path) -> None:
    from bothways.errors import BothwaysError

    _, model = opened("mamba", tmp_path)
    with pytest.raises(BothwaysError, match="MambaForCausalLM shows no attention weights"):
        model.trace(some_tokens(), causal=True)
    with pytest.raises(BothwaysError, match="The attention of a MambaBlock is of a form that is not known"):
        model.head_maps(0)


def test_queries_that_are_normed_are_no_linear_map(tmp_path: Path) -> None:
    """Traces need no maps."""
    from bothways.errors import BothwaysError

    _, model = opened("qwen3", tmp_path)
    assert 3 == len(model.trace(some_tokens(), causal=True).stream)
    with pytest.raises(BothwaysError, match="The attention of a Qwen3DecoderLayer is of a form"):
        model.head_maps(0)
    with pytest.raises(BothwaysError, match="Qwen3DecoderLayer"):
        model.part_of("model.model.layers.0.mlp.up_proj.weight", model.embedding_VD)


def test_an_unknown_final_norm_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last hidden state of most classes is normed already; norming it twice would show other logits."""
    from bothways.errors import BothwaysError
    from bothways.models import huggingface

    _, model = opened("gpt2", tmp_path)
    monkeypatch.setattr(huggingface, "FINAL_NORMS", ())
    with pytest.raises(BothwaysError, match="final norm of GPT2LMHeadModel was not found"):
        model.trace(some_tokens(), causal=True)


@pytest.mark.parametrize("kind", FAMILIES)
def test_maps_of_tokens_are_shown_where_logits_are_a_matrix_away(kind: str, tmp_path: Path) -> None:
    from bothways.errors import BothwaysError

    _, model = opened(kind, tmp_path)
    if kind in ENCODERS:
        with pytest.raises(BothwaysError, match="more than a matrix between"):
            model.token_maps()
        return
    maps = model.token_maps(some_tokens()[0])
    assert {"direct", "value 0", "attention 0", "value 1", "attention 1"} == set(maps)
    assert (9, 32) == maps["value 1"].left_NK.shape
