"""Storage evidence: what attention would write of a partner if it only looked at the given entity."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bothways.batches.tokenizers import Tokenizer
from bothways.mechanisms.base import Probe
from bothways.mechanisms.contexts import tested_pairs
from bothways.tensors import LanguageModel, Objective, Side
from bothways.types import Exam, Finding

SIDES: tuple[Side, Side] = ("left", "right")


@dataclass(frozen=True, kw_only=True)
class StorageEvidence(Probe):
    """Logit of a partner in W_U W_O W_V x, summed over a block's heads, minus the mean over the other pairs' entities.

    x is the embedding of the given entity through the block's norm: no position and no attention enters, so what is
    found can be read from either side. In logits before the final norm; `deviations` divides it by the standard
    deviation over the other entities, and `best` is the share of pairs whose partner is above all of them (chance is 1
    / different tokens written). An entity of several tokens is read as their mean, and written as its first; pairs that
    write the same token are no others. A model that stores by side is read on both: in "[M] R B" the given entity
    stands right of the mask, in "B R' [M]" left of it.

    Source: the value-side evidence of Jeon et al., arXiv 2602.02133. Differs from it by: the block's norm is applied,
    and every block is given the embedding, not what the blocks below made of it.
    """

    max_pairs: int = 200
    """Facts looked at, from the first."""

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return a row for each block, side and direction; as numbers, the sums over blocks."""
        pairs = tested_pairs(exam, self.max_pairs)
        first, last = (
            [[token for token, _ in tokenizer.entity_pieces(name)] for name in names]
            for names in ([pair.first for pair in pairs], [pair.last for pair in pairs])
        )
        rows = []
        with torch.inference_mode():
            for direction, read, written in (("first_from_last", last, first), ("last_from_first", first, last)):
                for side in SIDES:
                    for block in range(max(1, model.n_layers)):
                        found = evidence(model, block, side, read, written)
                        rows.append({"block": block, "side": side, "direction": direction, **found})
        numbers: dict[str, float] = {}
        for direction in ("first_from_last", "last_from_first"):
            for side in SIDES:
                own = [row for row in rows if (row["direction"], row["side"]) == (direction, side)]
                name = direction if side == "left" else f"{direction}_on_the_right"
                numbers[name] = sum(row["evidence"] for row in own)
                numbers[f"{name}_best"] = max(row["best"] for row in own)
        numbers["chance"] = 1 / min(len({ids[0] for ids in names}) for names in (first, last))
        summary = (
            f"evidence for the first-named entity in the last-named {numbers['first_from_last']:.2f} logits, "
            f"the other way {numbers['last_from_first']:.2f}"
        )
        return Finding("storage_evidence", summary, tuple(rows), numbers)


def evidence(
    model: LanguageModel, block: int, side: Side, read: Sequence[list[int]], written: Sequence[list[int]]
) -> dict[str, float]:
    """Return how much more of its partner than of the others each read entity writes, over N pairs of token lists.

    Of the maps W_O W_V, which are as large as the stream is wide squared, none is made.
    """
    maps, vectors_VD = model.head_maps(block, side), model.embedding_VD
    read_ND = model.read_by_heads(torch.stack([vectors_VD[ids].float().mean(0) for ids in read]), block)
    written_ND = model.output_rows(torch.tensor([ids[0] for ids in written])).float()
    inward_NHK = torch.einsum("pd,hkd->phk", read_ND, maps.value_HKD.float())
    outward_NHK = torch.einsum("pd,hdk->phk", written_ND, maps.out_HDK.float())
    logit_NN = (inward_NHK.flatten(1) @ outward_NHK.flatten(1).T).double().cpu()
    token_N, own_N = torch.tensor([ids[0] for ids in written]), logit_NN.diagonal()
    other_NN = token_N[:, None] != token_N[None]
    above_N = own_N - logit_NN.where(other_NN, 0.0).sum(1) / other_NN.sum(1).clamp(min=1)
    spread = logit_NN[other_NN].std(correction=0) if other_NN.any() else own_N.new_zeros(())
    return {
        "evidence": above_N.mean().item(),
        "deviations": (above_N.mean() / spread.clamp(min=1e-12)).item(),
        "best": (other_NN.any(1) & (own_N > logit_NN.where(other_NN, -torch.inf).amax(1))).double().mean().item(),
    }
