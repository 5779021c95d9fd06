"""The weights that learn, of one run or of a pack of runs, and one step of an optimiser on them.

All weights of a run lie in one row of one matrix, in fp32. So the optimiser is one call, the norm of a gradient is one
number a row, and a checkpoint is three matrices. What computes is a working copy: the same memory for fp32, a cast
of the whole matrix at once for bf16. A pack computes with all rows together: its parameters have a leading axis P.
"""

import copy
from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bothways.cross_entropy import weighted_cross_entropy
from bothways.errors import RunError
from bothways.tensors import LanguageModel, Loss, Prepared
from bothways.training.parallel import Ranks
from bothways.training.parts import counted, cut_batch
from bothways.training.speed import Precision, keep_memory

Optimizer = Literal["adamw", "sgd"]
MOMENTS = ("exp_avg", "exp_avg_sq")
ALONE = Ranks()


class Learner:
    """P models of one shape that take their steps together.

    Args:
        models: changed in place: their parameters become views of the learner's rows.
        recipes: each model's peak learning rate and weight decay.
        precision: arithmetic of the working copy; weights, moments and the update stay in fp32.
        device: where to compute.
        compiled: whether torch compiles the forward and backward pass: half a minute that pays on an accelerator.
        optimizer: how a gradient becomes a step.
        beta2: AdamW's memory of squared gradients.
        symmetry: how strongly each model's asymmetry is pulled down, beside its loss.
        micro_batch: most rows of a run that are computed at once; 0 for all of them.
        ranks: the processes that compute a batch together.
    """

    def __init__(
        self,
        models: Sequence[LanguageModel],
        recipes: Sequence[tuple[float, float]],
        precision: Precision = "fp32",
        device: str = "cpu",
        compiled: bool = False,
        optimizer: Optimizer = "adamw",
        beta2: float = 0.95,
        symmetry: float = 0.0,
        micro_batch: int = 0,
        ranks: Ranks = ALONE,
    ) -> None:
        keep_memory()
        self.device = torch.device(device)
        self.weights_PW = gather(models, self.device)
        self._models, self._symmetry = models, symmetry
        self._micro_batch, self._ranks = micro_batch, ranks
        self._stacked = len(models) > 1 or models[0].tiny
        self.worker = self._make_worker(models, precision)
        self._model = Compiled(self.worker) if compiled else self.worker
        self.gradient_PW = torch.zeros_like(self.weights_PW)
        self._gradients = cut(self.gradient_PW, models[0], self._stacked)
        self.rows = [nn.Parameter(row_W) for row_W in self.weights_PW]
        for row, gradient_W in zip(self.rows, self.gradient_PW, strict=True):
            row.grad = gradient_W
        alike: dict[tuple[float, float], list[nn.Parameter]] = {}
        for row, recipe in zip(self.rows, recipes, strict=True):
            alike.setdefault(recipe, []).append(row)
        groups = [{"params": rows, "weight_decay": decay} for (_, decay), rows in alike.items()]
        self.optimizer = {
            "adamw": partial(torch.optim.AdamW, betas=(0.9, beta2), fused=True),
            "sgd": partial(torch.optim.SGD, lr=1.0),
        }[optimizer](groups)
        self._peaks = [peak for peak, _ in alike]

    def _make_worker(self, models: Sequence[LanguageModel], precision: Precision) -> LanguageModel:
        """Return the model that computes, its parameters being views of `self.working_PW`."""
        self.working_PW = self.weights_PW if precision == "fp32" else self.weights_PW.to(torch.bfloat16)
        if not self._stacked and precision == "fp32":
            return models[0]
        worker = copy.deepcopy(models[0])
        for parameter, view in zip(worker.parameters(), cut(self.working_PW, models[0], self._stacked), strict=True):
            parameter.data = view
        for path, _ in list(models[0].named_buffers()):
            module, _, name = path.rpartition(".")
            each = [model.get_buffer(path).to(self.working_PW.dtype) for model in models]
            setattr(worker.get_submodule(module), name, torch.stack(each) if self._stacked else each[0])
        return worker

    def loss(self, prepared: Sequence[Prepared]) -> Loss:
        """Return the loss of one batch for each model, and its gradient in `gradient_PW`.

        The batch is computed in parts, and in as many processes as there are; all of them get the whole's.
        """
        if self.working_PW is not self.weights_PW:
            self.working_PW.copy_(self.weights_PW)
        parts = cut_batch(prepared, self._ranks.share(len(prepared[0].input_BL)), self._micro_batch)
        nats_2P = torch.zeros(2, len(prepared), device=self.device)
        if not parts:
            self.gradient_PW.zero_()
        for n, part in enumerate(parts):
            loss = weighted_cross_entropy(self._model, *part.prepared)
            found = torch.autograd.grad(loss.mean.sum(), list(self.worker.parameters()))
            for view, gradient in zip(self._gradients, found, strict=True):
                (view.add_ if n else view.copy_)(gradient)
            share_P = part.share_P.to(self.device, non_blocking=True)
            nats_2P += torch.stack([loss.mean.detach(), loss.unweighted_ce * share_P])
        self._ranks.add(self.gradient_PW, nats_2P)
        if self._symmetry:
            self._pull()
        return Loss(mean=nats_2P[0], counted=int(counted(prepared).sum()), unweighted_ce=nats_2P[1])

    def _pull(self) -> None:
        """Add the gradient of each model's asymmetry, made without the leading axis and in fp32."""
        for model, gradient_W in zip(self._models, self.gradient_PW, strict=True):
            asymmetry = self._symmetry * model.asymmetry()
            found = torch.autograd.grad(asymmetry, list(model.parameters()), materialize_grads=True)
            for view, gradient in zip(cut(gradient_W[None], model, stacked=False), found, strict=True):
                view.add_(gradient)

    def step(self, share: float, clip: float) -> None:
        """Update every model at this share of its peak learning rate, its gradient cut to the norm `clip`."""
        norm_P1 = self.gradient_PW.norm(dim=1, keepdim=True)
        factor_P1 = (clip / (norm_P1 + 1e-6)).clamp(max=1.0)
        if self.device.type != "cpu" or not bool((factor_P1 == 1).all()):  # an accelerator would wait for the answer
            self.gradient_PW.mul_(factor_P1)
        for group, peak in zip(self.optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * share
        self.optimizer.step()

    def state(self) -> dict[str, Float[Tensor, "P W"]]:
        """Return everything a step depends on: weights, moments, and how many steps were taken."""
        slots = [self.optimizer.state[row] for row in self.rows]
        if not slots[0]:
            return {"weights": self.weights_PW}
        moments = {name: torch.stack([slot[name] for slot in slots]) for name in (*MOMENTS, "step")}
        return {"weights": self.weights_PW, **moments}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put a saved state back.

        Raises:
            RunError: it is the state of other models.
        """
        if "weights" not in state or state["weights"].shape != self.weights_PW.shape:
            raise RunError("A checkpoint is of another model or of an earlier version. The run goes on without it.")
        with torch.no_grad():
            self.weights_PW.copy_(state["weights"])
        for n, row in enumerate(self.rows) if "step" in state else ():
            # a copy for each row, as fresh moments are: what is aligned otherwise may be added up otherwise
            self.optimizer.state[row] = {name: state[name][n].to(self.device).clone() for name in (*MOMENTS, "step")}


class Compiled(LanguageModel):
    """A model whose forward and backward pass torch has compiled."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self._model, self._hidden = model, torch.compile(model.hidden)

    def hidden(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Float[Tensor, "B L D"]:
        """Return what the model returns."""
        return self._hidden(tokens_BL, causal=causal)

    @property
    def output_VD(self) -> Float[Tensor, "*P V D"]:
        """The model's own."""
        return self._model.output_VD


def gather(models: Sequence[LanguageModel], device: torch.device) -> Float[Tensor, "P W"]:
    """Put all weights of each model into a row, and make its parameters views of that row; buffers move along."""
    size = sum(parameter.numel() for parameter in models[0].parameters())
    weights_PW = torch.empty(len(models), size, device=device)
    for n, model in enumerate(models):
        for parameter, view in zip(model.parameters(), cut(weights_PW[n : n + 1], model, stacked=False), strict=True):
            view.copy_(parameter.data)
            parameter.data = view
        for buffer in model.buffers():
            buffer.data = buffer.data.to(device)
    return weights_PW


def cut(rows_PW: Float[Tensor, "P W"], model: LanguageModel, stacked: bool) -> list[Tensor]:
    """Return a view of the rows for each parameter: of its own shape, with a leading axis P if `stacked`."""
    views, at = [], 0
    for parameter in model.parameters():
        shape = (len(rows_PW), *parameter.shape) if stacked else parameter.shape
        views.append(rows_PW[:, at : at + parameter.numel()].view(shape))
        at += parameter.numel()
    return views
