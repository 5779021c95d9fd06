"""A folder somebody else wrote becomes one of our models, or is refused in one sentence."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.library_models import ENCODERS, saved, some_tokens

MASK = 50
LLADA: dict[str, Any] = {
    "model_type": "llada",
    "architectures": ["LLaDAModelLM"],
    "auto_map": {"AutoConfig": "configuration_llada.LLaDAConfig", "AutoModel": "modeling_llada.LLaDAModelLM"},
    "d_model": 32,
    "n_layers": 3,
    "n_heads": 4,
    "n_kv_heads": 2,
    "mlp_hidden_size": 48,
    "mlp_ratio": 4,
    "vocab_size": 60,
    "embedding_size": 60,
    "max_sequence_length": 64,
    "rms_norm_eps": 1e-3,
    "rope": True,
    "rope_full_precision": True,
    "rope_theta": 500.0,
    "weight_tying": False,
    "block_type": "llama",
    "block_group_size": 1,
    "activation_type": "silu",
    "layer_norm_type": "rms",
    "layer_norm_with_affine": True,
    "alibi": False,
    "include_bias": False,
    "include_qkv_bias": False,
    "bias_for_layer_norm": False,
    "attention_layer_norm": False,
    "input_emb_norm": False,
    "scale_logits": False,
    "multi_query_attention": None,
    "attention_dropout": 0.0,
    "flash_attention": False,
    "mask_token_id": MASK,
    "eos_token_id": 2,
    "pad_token_id": 2,
}
DREAM: dict[str, Any] = {
    "model_type": "Dream",
    "auto_map": {"AutoConfig": "configuration_dream.DreamConfig", "AutoModel": "modeling_dream.DreamModel"},
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "vocab_size": 60,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-3,
    "rope_theta": 500.0,
    "rope_scaling": None,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "use_sliding_window": False,
    "sliding_window": None,
    "mask_token_id": MASK,
}
TO_QWEN2 = (
    (r"^model\.transformer\.wte", "model.embed_tokens"),
    (r"^model\.transformer\.ln_f", "model.norm"),
    (r"^model\.transformer\.ff_out", "lm_head"),
    (r"^model\.transformer\.blocks", "model.layers"),
    ("attn_norm", "input_layernorm"),
    ("ff_norm", "post_attention_layernorm"),
    ("attn_out", "self_attn.o_proj"),
    (r"\.([qkv]_proj)", r".self_attn.\1"),
    ("ff_proj", "mlp.gate_proj"),
    ("up_proj", "mlp.up_proj"),
    ("ff_out", "mlp.down_proj"),
)


def random_weights(n_kv_heads: int = 2, *, rows: int = 60, tied: bool = False, biases: bool = False) -> dict[str, Any]:
    """Return weights under LLaDA's names; norms are around 1."""
    import torch

    D, M, shared = 32, 48, 8 * n_kv_heads
    block = {"attn_norm": (D,), "ff_norm": (D,), "q_proj": (D, D), "k_proj": (shared, D), "v_proj": (shared, D)}
    block |= {"attn_out": (D, D), "ff_proj": (M, D), "up_proj": (M, D), "ff_out": (D, M)}
    shapes = {f"blocks.{layer}.{name}.weight": shape for layer in range(3) for name, shape in block.items()}
    if biases:
        shapes |= {
            name.replace("weight", "bias"): s[:1] for name, s in shapes.items() if re.search(r"[qkv]_proj", name)
        }
    shapes |= {"wte.weight": (rows, D), "ln_f.weight": (D,)} | ({} if tied else {"ff_out.weight": (rows, D)})
    random = torch.Generator().manual_seed(0)
    return {
        f"model.transformer.{name}": 0.3 * torch.randn(shape, generator=random)
        + float("norm" in name or "ln_f" in name)
        for name, shape in shapes.items()
    }


def under_qwen2(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Return weights under the names that Dream's files have."""
    out = {}
    for name, weight in weights.items():
        for theirs, ours in TO_QWEN2:
            name = re.sub(theirs, ours, name, count=1)
        out[name] = weight
    return out


def write(folder: Path, config: Mapping[str, Any], weights: Mapping[str, Any], parts: int = 1) -> Path:
    """Write a folder, its weights in one file or in parts with an index."""
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if parts == 1:
        save_file(dict(weights), folder / "model.safetensors")
        return folder
    names, where = sorted(weights), {}
    for part in range(parts):
        file = f"model-{part + 1:05}-of-{parts:05}.safetensors"
        save_file({name: weights[name] for name in names[part::parts]}, folder / file)
        where |= dict.fromkeys(names[part::parts], file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))
    return folder


def bare() -> Any:
    """Return special tokens of a tokenizer that has no mask token."""
    from bothways.types import SpecialTokens

    return SpecialTokens(mask=-1)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize(
    ("said", "weights"),
    [
        ({}, {}),
        ({"n_kv_heads": 4}, {"n_kv_heads": 4}),
        ({"n_kv_heads": None}, {"n_kv_heads": 4}),
        ({"n_kv_heads": None, "multi_query_attention": True}, {"n_kv_heads": 1}),
        ({"vocab_size": 55}, {}),
        ({"embedding_size": None}, {}),
        ({"weight_tying": True}, {"tied": True}),
    ],
    ids=["grouped", "all heads", "heads by default", "one shared", "more rows", "rows by default", "tied"],
)
def test_llada_computes_what_its_description_says(
    said: dict[str, Any], weights: dict[str, Any], attention: str, parts: int, tmp_path: Path
) -> None:
    """Both ways and left to right, from one file or several; the mask is what makes the difference."""
    import torch
    from tests.by_hand import logits_by_hand

    from bothways.models.open import open_model

    config, stored = {**LLADA, **said}, random_weights(**weights)
    model = open_model(write(tmp_path, config, stored, parts), bare(), attention=attention).requires_grad_(False)
    tokens_BL = some_tokens()
    shape = {"n_heads": 4, "theta": 500.0, "eps": 1e-3}
    expected = {way: logits_by_hand(stored, tokens_BL, **shape, causal=way) for way in (True, False)}
    for way in (True, False):
        assert torch.allclose(expected[way], model(tokens_BL, causal=way), atol=2e-4)
    assert not torch.allclose(expected[True], expected[False], atol=0.1)
    assert ("masked", 0, MASK, 60) == (model.reads, model.shift, model.special.mask, model.n_tokens)


@pytest.mark.parametrize("parts", [1, 3])
def test_dream_predicts_one_place_to_the_left(parts: int, tmp_path: Path) -> None:
    """Queries, keys and values have biases; read left to right nothing is moved."""
    import torch
    from tests.by_hand import logits_by_hand

    from bothways.models.open import open_model

    stored = random_weights(biases=True)
    model = open_model(write(tmp_path, DREAM, under_qwen2(stored), parts), bare()).requires_grad_(False)
    tokens_BL = some_tokens()
    shape = {"n_heads": 4, "theta": 500.0, "eps": 1e-3}
    both_ways = logits_by_hand(stored, tokens_BL, **shape, causal=False)
    assert torch.allclose(both_ways[:, :-1], model(tokens_BL, causal=False)[:, 1:], atol=2e-4)
    assert torch.allclose(both_ways[:, 0], model(tokens_BL, causal=False)[:, 0], atol=2e-4)
    left_to_right = logits_by_hand(stored, tokens_BL, **shape, causal=True)
    assert torch.allclose(left_to_right, model(tokens_BL, causal=True), atol=2e-4)
    assert ("masked", 1, MASK) == (model.reads, model.shift, model.special.mask)


def test_weights_stay_in_the_format_they_were_stored_in(tmp_path: Path) -> None:
    """Sixteen bits are not blown up to thirty-two."""
    import torch

    from bothways.models.open import open_model

    stored = {name: weight.bfloat16() for name, weight in random_weights().items()}
    model = open_model(write(tmp_path, LLADA, stored), bare())
    assert {torch.bfloat16} == {parameter.dtype for parameter in model.parameters()}
    assert torch.equal(stored["model.transformer.wte.weight"], model.embedding_VD)


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_masked_language_model_gives_the_logits_of_the_library(kind: str, tmp_path: Path) -> None:
    """Its head's steps are in the hidden vector, its bias in one more channel: losses need a matrix only."""
    import torch

    from bothways.cross_entropy import weighted_cross_entropy
    from bothways.errors import BothwaysError
    from bothways.models.open import open_model
    from bothways.tensors import SPECIAL, Prepared

    theirs = saved(kind, tmp_path)
    model = open_model(tmp_path, SPECIAL)
    tokens_BL = some_tokens()
    expected_BLV = theirs(input_ids=tokens_BL).logits
    assert torch.allclose(expected_BLV, model(tokens_BL, causal=False), atol=1e-4)
    assert ("masked", 0, 33) == (model.reads, model.shift, model.output_VD.shape[1])
    everywhere = torch.ones(tokens_BL.shape)
    loss = weighted_cross_entropy(model, Prepared(tokens_BL, tokens_BL.flip(1), everywhere, causal=False))
    expected = torch.nn.functional.cross_entropy(expected_BLV.flatten(0, 1), tokens_BL.flip(1).flatten())
    assert expected.item() == pytest.approx(loss.mean.item(), abs=1e-4)
    with pytest.raises(BothwaysError, match="cannot be read left to right"):
        model.hidden(tokens_BL, causal=True)


def test_an_encoder_with_a_window_keeps_it(tmp_path: Path) -> None:
    """ModernBERT reads back a few tokens only in most blocks; a mask of our own would lift that silently."""
    import torch

    from bothways.models.open import open_model
    from bothways.tensors import SPECIAL

    theirs = saved("modernbert", tmp_path, global_attn_every_n_layers=3)
    tokens_BL = some_tokens(20)
    ours_BLV = open_model(tmp_path, SPECIAL)(tokens_BL, causal=False)
    assert torch.allclose(theirs(input_ids=tokens_BL).logits, ours_BLV, atol=1e-4)
    everything = torch.ones(2, 1, 20, 20).bool()
    assert not torch.allclose(theirs(input_ids=tokens_BL, attention_mask=everything).logits, ours_BLV, atol=1e-2)


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox", "llama", "qwen2", "mistral", "gemma", "phi", "mamba"])
def test_a_decoder_gives_the_logits_of_the_library(kind: str, tmp_path: Path) -> None:
    """An output bias, which phi has, is no reason to refuse."""
    import torch

    from bothways.models.open import open_model
    from bothways.tensors import SPECIAL

    theirs = saved(kind, tmp_path)
    model = open_model(tmp_path, SPECIAL)
    tokens_BL = some_tokens()
    assert torch.allclose(theirs(input_ids=tokens_BL).logits, model(tokens_BL, causal=True), atol=1e-3)
    assert "causal" == model.reads


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"block_type": "sequential"}, "block_type=sequential .*only block_type=llama"),
        ({"block_type": None}, "block_type=None"),
        ({"block_group_size": 4}, "block_group_size=4"),
        ({"activation_type": "swiglu"}, "activation_type=swiglu"),
        ({"layer_norm_type": "gemma_rms"}, "layer_norm_type=gemma_rms"),
        ({"alibi": True}, "alibi=True"),
        ({"rope": False}, "rope=False"),
        ({"rope": 1}, "rope=1"),
        ({"include_bias": True}, "include_bias=True"),
        ({"include_qkv_bias": True}, "include_qkv_bias=True"),
        ({"bias_for_layer_norm": True}, "bias_for_layer_norm=True"),
        ({"attention_layer_norm": True}, "attention_layer_norm=True"),
        ({"scale_logits": True}, "scale_logits=True"),
        ({"input_emb_norm": True}, "input_emb_norm=True"),
        ({"clip_qkv": 8.0}, "clip_qkv=8.0 .*only clip_qkv=nothing"),
        ({"num_experts": 64}, "mixture-of-experts"),
        ({"d_model": None}, "d_model must be a positive number, got d_model=None"),
        ({"n_layers": -1}, "n_layers must be a positive number"),
        ({"n_heads": 4.5}, "n_heads must be a positive number"),
        ({"n_heads": 5}, "contradict each other"),
        ({"rope_theta": "1e4"}, "rope_theta must be a positive number"),
        ({"n_layers": 2}, "has too many of weights of a LlamaForCausalLM: model.layers.2"),
        ({"n_layers": 4}, "lacks weights of a LlamaForCausalLM: model.layers.3"),
        ({"mlp_hidden_size": 40}, "in another size weights of a LlamaForCausalLM: model.layers.0.mlp"),
        ({"weight_tying": True}, "the file holds both"),
        ({"mask_token_id": None}, "needs a mask token below 60, got -1"),
        ({"mask_token_id": 60}, "needs a mask token below 60, got 60"),
        ({"mask_token_id": "x"}, "needs a mask token"),
    ],
    ids=str,
)
def test_a_llada_of_another_form_is_refused(said: dict[str, Any], message: str, tmp_path: Path) -> None:
    refused(write(tmp_path, {**LLADA, **said}, random_weights()), message)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"hidden_act": "gelu"}, "hidden_act=gelu"),
        ({"use_sliding_window": True}, "use_sliding_window=True"),
        ({"rope_scaling": {"type": "linear", "factor": 2}}, "rope_scaling="),
        ({"use_mrope": True}, "use_mrope=True"),
        ({"block_size": 32}, "block_size=32"),
        ({"hidden_size": None}, "hidden_size must be"),
        ({"mask_token_id": None}, "needs a mask token"),
    ],
    ids=str,
)
def test_a_dream_of_another_form_is_refused(said: dict[str, Any], message: str, tmp_path: Path) -> None:
    refused(write(tmp_path, {**DREAM, **said}, under_qwen2(random_weights(biases=True))), message)


def refused(folder: Path, message: str, special: Any = None) -> None:
    """Check that a folder is refused in one sentence that names it."""
    from bothways.errors import BothwaysError
    from bothways.models.open import open_model

    with pytest.raises(BothwaysError, match=message) as caught:
        open_model(folder, special or bare())
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_the_tokenizer_may_name_the_mask_but_not_another_one(tmp_path: Path) -> None:
    from bothways.models.open import open_model
    from bothways.types import SpecialTokens

    folder = write(tmp_path, {**LLADA, "mask_token_id": None}, random_weights())
    assert 41 == open_model(folder, SpecialTokens(mask=41)).special.mask
    refused(write(tmp_path, LLADA, random_weights()), f"{MASK} in config.json and 41", SpecialTokens(mask=41))


def cut_short(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def index_of(content: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        (folder / "model.safetensors.index.json").write_text(json.dumps(content))

    return change


def to_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
    "config no json": (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
    "config no text": (lambda folder: (folder / "config.json").write_bytes(b"\xff"), "cannot be read"),
    "config a list": (lambda folder: (folder / "config.json").write_text("[]"), "which model_type"),
    "no family": (lambda folder: (folder / "config.json").write_text("{}"), "which model_type"),
    "unknown family": (
        lambda folder: (folder / "config.json").write_text('{"model_type": "zzz"}'),
        "no language model",
    ),
    "code needed": (
        lambda folder: (folder / "config.json").write_text('{"model_type": "zzz", "auto_map": {"AutoConfig": "a.B"}}'),
        "no language model",
    ),
    "vision": (lambda folder: (folder / "config.json").write_text('{"model_type": "vit"}'), "no language model"),
    "quantised": (
        lambda folder: (folder / "config.json").write_text(json.dumps({**LLADA, "quantization_config": {"bits": 4}})),
        "quantised",
    ),
    "adapter": (lambda folder: (folder / "adapter_config.json").write_text("{}"), "adapter"),
    "kernels": (
        lambda folder: (folder / "config.json").write_text(
            json.dumps({**LLADA, "a": [{"attn_implementation": "x/y"}]})
        ),
        "code from the net",
    ),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors is missing"),
    "pickle": (to_pickle, "pickles"),
    "cut short": (cut_short, "no language model can be read"),
    "no tensors": (lambda folder: (folder / "model.safetensors").write_bytes(b"abc"), "no language model can be read"),
    "index broken": (index_of([]), "cannot be read"),
    "part missing": (index_of({"weight_map": {"a": "model-1.safetensors"}}), "model-1.safetensors is missing"),
    "part elsewhere": (index_of({"weight_map": {"a": "../model.safetensors"}}), "no safetensors file of this folder"),
    "part a pickle": (index_of({"weight_map": {"a": "model.bin"}}), "no safetensors file of this folder"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_refused(damage: str, tmp_path: Path) -> None:
    folder = write(tmp_path, LLADA, random_weights())
    change, message = DAMAGES[damage]
    change(folder)
    refused(folder, message)


@pytest.mark.parametrize(("kind", "lost"), [("gpt2", "ln_f"), ("llama", "lm_head"), ("bert", "transform.dense")])
def test_a_library_model_without_some_weights_is_refused(kind: str, lost: str, tmp_path: Path) -> None:
    """The library would draw them at random and say so on the terminal only."""
    from safetensors.torch import load_file, save_file

    saved(kind, tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if lost not in name}
    assert len(kept) < len(weights)
    save_file(kept, tmp_path / "model.safetensors", {"format": "pt"})
    from bothways.tensors import SPECIAL

    refused(tmp_path, "lacks weights", SPECIAL)
    save_file({**weights, "more.weight": weights[next(iter(weights))].clone()}, tmp_path / "model.safetensors")
    refused(tmp_path, "too many of weights .*more.weight", SPECIAL)


def test_weights_of_other_uses_are_left_out(tmp_path: Path) -> None:
    """BERT's own files hold a classifier of sentence pairs."""
    import torch
    from safetensors.torch import load_file, save_file

    from bothways.models.open import open_model
    from bothways.tensors import SPECIAL

    theirs = saved("bert", tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    more = {"cls.seq_relationship.weight": torch.zeros(2, 32), "bert.pooler.dense.weight": torch.zeros(32, 32)}
    save_file({**weights, **more}, tmp_path / "model.safetensors")
    expected = theirs(input_ids=some_tokens()).logits
    assert torch.allclose(expected, open_model(tmp_path, SPECIAL)(some_tokens(), causal=False), atol=1e-4)


def test_a_bert_made_a_decoder_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, {"model_type": "bert", "is_decoder": True}, random_weights())
    refused(folder, "made a decoder")


def test_a_model_whose_logits_are_capped_is_refused(tmp_path: Path) -> None:
    import transformers

    from bothways.errors import BothwaysError
    from bothways.models.open import open_model
    from bothways.tensors import SPECIAL

    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1}
    config = transformers.Gemma2Config(**small, vocab_size=60, intermediate_size=16, head_dim=8, initializer_range=1.0)
    transformers.Gemma2ForCausalLM(config).save_pretrained(tmp_path)
    with pytest.raises(BothwaysError, match="logits of Gemma2ForCausalLM are not"):
        open_model(tmp_path, SPECIAL)


@pytest.mark.parametrize("family", ["llada", "dream", "bert"])
def test_what_follows_a_prefix_is_asked_where_the_family_says_it(family: str, tmp_path: Path) -> None:
    """Everything after the prefix is masked; Dream's answer stands a place before the first mask, the others' on it."""
    import torch
    from tests.by_hand import logits_by_hand

    from bothways.models.open import open_model
    from bothways.registry import lookup
    from bothways.types import SpecialTokens

    shape = {"n_heads": 4, "theta": 500.0, "eps": 1e-3, "causal": False}
    stored = random_weights(biases=family == "dream")
    if family == "bert":
        theirs = saved("bert", tmp_path)
    else:
        config = DREAM if family == "dream" else LLADA
        write(tmp_path, config, under_qwen2(stored) if family == "dream" else stored)
    model = open_model(tmp_path, SpecialTokens(mask=MASK)).requires_grad_(False)
    tokens_BL, length_B = some_tokens(), torch.tensor([3, 6])
    found_BV = lookup("objectives", "masked_diffusion")().next_log_prob(model, tokens_BL, length_B)
    for row, length in enumerate(length_B.tolist()):
        masked_1L = tokens_BL[row : row + 1].clone()
        masked_1L[:, length:] = MASK
        logits = theirs(input_ids=masked_1L).logits if family == "bert" else logits_by_hand(stored, masked_1L, **shape)
        expected_V = logits[0, length - (family == "dream")].log_softmax(-1)
        assert torch.allclose(expected_V, found_BV[row], atol=1e-3)
