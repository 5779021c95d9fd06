"""The one loss of every objective: weighted cross-entropy over a vocabulary, whose logits are never kept.

It serves a model, or a pack of P runs. What it takes and gives, `Prepared` and `Loss`, stands in `tensors.py`.
Axis letters as in `types.py`; of this file: M places that count, R places laid out in a row, C a slice of these.
"""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bothways.tensors import LanguageModel, Loss, Prepared

ROUND = 64
"""Predicted tokens are made up to a multiple of this: matrix libraries prepare themselves anew for every new shape."""
CACHED = 2**18
"""Logits that are turned into probabilities at once on a processor: few enough to stay in its cache."""
HELD = {"cpu": 2**24, "cuda": 2**29}
"""Logits that exist at once: few enough for the memory of such a device."""


def weighted_cross_entropy(model: LanguageModel, *prepared: Prepared) -> Loss:
    """Return the one loss that serves every objective; logits are made only where they are counted.

    Args:
        model: a model, or a pack of P models, whose parameters have a leading axis P.
        prepared: one batch for the model, or for each model of the pack; all of one shape.
    """
    input_PBL, target_PBL, weight_PBL = stack(prepared)
    place_PN, target_PN, weight_PN = choose(target_PBL.flatten(1), weight_PBL.flatten(1))
    weight_PN = weight_PN / totals(prepared, weight_PN)
    P, N = place_PN.shape
    output_PVD = model.output_VD.view(P, *model.output_VD.shape[-2:])
    device = output_PVD.device
    hidden_BLD = model.hidden(
        input_PBL.flatten(0, 1).contiguous().to(device, non_blocking=True), causal=prepared[0].causal
    )
    hidden_ND = hidden_BLD.flatten(0, 1).index_select(0, place_PN.flatten().to(device, non_blocking=True))
    mean_P, nats_PN = cast(Any, LinearCrossEntropy).apply(  # torch leaves it untyped
        hidden_ND.view(P, N, -1),
        output_PVD,
        target_PN.to(device, non_blocking=True),
        weight_PN.to(device, non_blocking=True),
    )
    counted_P = (weight_PN != 0).sum(1)
    mean_ce_P = nats_PN.sum(1) / counted_P.clamp(min=1).to(device, non_blocking=True)
    return Loss(mean=mean_P, counted=int(counted_P.sum()), unweighted_ce=mean_ce_P)


def stack(prepared: Sequence[Prepared]) -> tuple[Int[Tensor, "P B L"], Int[Tensor, "P B L"], Float[Tensor, "P B L"]]:
    """Return inputs, targets and weights of all runs.

    A causal model need not read what stands after the last token that counts in any row.
    """
    input_PBL, target_PBL, weight_PBL = (
        torch.stack(column) for column in zip(*((p.input_BL, p.target_BL, p.weight_BL) for p in prepared), strict=True)
    )
    counts_L = (weight_PBL != 0).flatten(0, 1).any(0)
    length = int(counts_L.nonzero().max()) + 1 if prepared[0].causal and counts_L.any() else len(counts_L)
    return input_PBL[..., :length], target_PBL[..., :length], weight_PBL[..., :length]


def choose(
    target_PR: Int[Tensor, "P R"], weight_PR: Float[Tensor, "P R"]
) -> tuple[Int[Tensor, "P N"], Int[Tensor, "P N"], Float[Tensor, "P N"]]:
    """Return which places count, numbered through all runs, and their targets and weights.

    Runs that predict fewer tokens are made up to the common number with places that do not count.
    """
    run_M, place_M = weight_PR.nonzero(as_tuple=True)
    counted_P = run_M.bincount(minlength=len(weight_PR))
    rank_M = torch.arange(len(run_M)) - (counted_P.cumsum(0) - counted_P)[run_M]
    N = max(1, -(-int(counted_P.max()) // ROUND)) * ROUND
    place_PN, weight_PN = torch.zeros(len(weight_PR), N, dtype=torch.long), torch.zeros(len(weight_PR), N)
    place_PN[run_M, rank_M], weight_PN[run_M, rank_M] = place_M, weight_PR[run_M, place_M]
    first_P1 = torch.arange(len(weight_PR))[:, None] * weight_PR.shape[1]
    return place_PN + first_P1, target_PR.gather(1, place_PN), weight_PN


def totals(prepared: Sequence[Prepared], weight_PN: Float[Tensor, "P N"]) -> Float[Tensor, "P 1"]:
    """Return what each run's weighted sum is divided by."""
    given = [one.normaliser for one in prepared]
    sums = weight_PN.sum(1).clamp(min=1e-30) if None in given else torch.tensor(given)
    return sums[:, None]


class LinearCrossEntropy(torch.autograd.Function):
    """Weighted cross-entropy of hidden vectors against an output matrix, for each of P runs; logits are not kept.

    The gradients are made on the way, while the logits are there: one buffer holds first the logits, then the
    gradient in them. Equal to `F.cross_entropy(hidden @ output.T)` up to rounding.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden_PND: Float[Tensor, "P N D"],
        output_PVD: Float[Tensor, "P V D"],
        target_PN: Int[Tensor, "P N"],
        weight_PN: Float[Tensor, "P N"],
    ) -> tuple[Float[Tensor, " P"], Float[Tensor, "P N"]]:
        """Return each run's weighted sum of nats, and every counted token's nats (0 where the weight is 0)."""
        P, N, _ = hidden_PND.shape
        V = output_PVD.shape[1]
        nats_PN = torch.empty_like(weight_PN)
        grad_PND, grad_PVD = torch.empty_like(hidden_PND), torch.empty_like(output_PVD)
        for runs in parts(P, 4 * CACHED // (N * V)):
            for rows in parts(N, HELD[hidden_PND.device.type] // V):
                some_PND = hidden_PND[runs, rows]
                logits_PNV = torch.bmm(some_PND, output_PVD[runs].mT)
                nats_PN[runs, rows] = to_gradient(logits_PNV, target_PN[runs, rows], weight_PN[runs, rows])
                torch.bmm(logits_PNV, output_PVD[runs], out=grad_PND[runs, rows])
                grad_PVD[runs].baddbmm_(logits_PNV.mT, some_PND, beta=float(rows.start > 0))
        nats_PN = nats_PN * (weight_PN != 0)
        ctx.save_for_backward(grad_PND, grad_PVD)
        ctx.mark_non_differentiable(nats_PN)
        return (weight_PN * nats_PN).sum(1), nats_PN

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Scale the gradients made on the way."""
        grad_PND, grad_PVD = ctx.saved_tensors
        if grad_outputs[0].device.type == "cpu" and bool((grad_outputs[0] == 1).all()):
            return grad_PND, grad_PVD, None, None
        scale_P11 = grad_outputs[0][:, None, None].to(grad_PND.dtype)
        return grad_PND * scale_P11, grad_PVD * scale_P11, None, None


def parts(length: int, size: int) -> Iterator[slice]:
    """Cut a length into slices of at most `size`, and at least 1.

    >>> list(parts(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    size = max(1, size)
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


def to_gradient(
    logits_PNV: Float[Tensor, "P N V"], target_PN: Int[Tensor, "P N"], weight_PN: Float[Tensor, "P N"]
) -> Float[Tensor, "P N"]:
    """Turn logits into the gradient of the weighted cross-entropy in them, in place; return the cross-entropy, nats."""
    logits_RV, target_R, weight_R = logits_PNV.flatten(0, 1), target_PN.flatten(), weight_PN.flatten()
    nats_R = torch.empty_like(weight_R)
    for rows in parts(
        len(logits_RV), CACHED // logits_RV.shape[1] if logits_RV.device.type == "cpu" else len(logits_RV)
    ):
        share_CV = logits_RV[rows].float().softmax(-1)
        own = torch.arange(len(share_CV), device=share_CV.device), target_R[rows]
        nats_R[rows] = -share_CV[own].clamp(min=1e-45).log()
        share_CV[own] -= 1
        logits_RV[rows] = share_CV.mul_(weight_R[rows, None])
    return nats_R.view_as(weight_PN)
