"""Several processes that train one run together: each computes some rows of every batch, and gradients add up.

`torchrun` and `accelerate launch` start the program several times and tell each process its place in environment
variables. The first process is the program: it reads, plans, measures and writes. The others train along: they draw
the same batches, which are a function of seed and step, and hear from the first one which run is next, when its state
is saved and when to stop. All gradients of a run lie in one matrix, so a step needs one sum over the processes.

Nothing is wrapped: these are `all_reduce` and `broadcast` of torch.distributed, over gloo between processors and NCCL
between accelerators.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from bothways.errors import BothwaysError, RunError

TIMEOUT = timedelta(minutes=60)
"""How long a process waits for the others: longer than the first one measures, or examines a trained model. One that
dies is noticed at once between processors; between accelerators `torchrun` ends the others."""
OVER, ANSWERS, TEXT = range(3)
"""What the first process says: that it is over, yes or no to some questions, or a text."""


class Over(Exception):
    """The first process has ended, so there is nothing to train along with."""


@dataclass(frozen=True)
class Ranks:
    """The processes that train together, and which of them this is; by itself a process is the first of one."""

    size: int = 1
    rank: int = 0

    @property
    def first(self) -> bool:
        """Whether this process is the program, which writes."""
        return self.rank == 0

    def share(self, rows: int) -> slice:
        """Return which of so many rows this process computes: as even as can be, none where there are too few.

        >>> [Ranks(3, rank).share(7) for rank in range(3)]
        [slice(0, 2, None), slice(2, 4, None), slice(4, 7, None)]
        """
        return slice(self.rank * rows // self.size, (self.rank + 1) * rows // self.size)

    def add(self, *tensors: Tensor) -> None:
        """Replace each tensor by its sum over the processes, which all get the same bytes.

        Raises:
            RunError: a process has ended or does not answer.
        """
        for tensor in tensors if self.size > 1 else ():
            with answering():
                dist.all_reduce(tensor)

    def agree(self, *answers: bool) -> list[bool]:
        """Return the first process's answers in every process.

        Raises:
            RunError: a process has ended or does not answer.
            Over: the first process has ended in an orderly way.
        """
        if self.size == 1:
            return list(answers)
        said = self._hear(ANSWERS, sum(answer << place for place, answer in enumerate(answers)))
        return [bool(said >> place & 1) for place in range(len(answers))]

    def tell(self, text: str = "") -> str:
        """Return the first process's text in every process.

        Raises:
            RunError: a process has ended or does not answer.
            Over: the first process has ended in an orderly way.
        """
        if self.size == 1:
            return text
        content = text.encode()
        letters = torch.zeros(self._hear(TEXT, len(content)), dtype=torch.uint8)
        if self.first:
            letters = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        with answering():
            dist.broadcast(letters, 0)
        return letters.numpy().tobytes().decode()

    def _hear(self, kind: int, number: int) -> int:
        """Return the number that the first process says."""
        word = torch.tensor([kind, number])
        with answering():
            dist.broadcast(word, 0)
        said, number = word.tolist()
        if said != kind:
            raise Over
        return number


def here() -> Ranks:
    """Return the processes that this one trains together with."""
    return Ranks(dist.get_world_size(), dist.get_rank()) if dist.is_initialized() else Ranks()


@contextlib.contextmanager
def together() -> Iterator[Ranks]:
    """Join the processes that were started with this one, for the length of a `with`.

    Raises:
        BothwaysError: the environment does not say who and where they are, or there are too few accelerators.
        RunError: a process does not answer.
    """
    accelerated = torch.cuda.is_available()
    if accelerated:
        torch.cuda.set_device(own_device(torch.cuda.device_count()))
    try:
        dist.init_process_group("cpu:gloo,cuda:nccl" if accelerated else "gloo", timeout=TIMEOUT)
    except ValueError as error:
        size = os.environ.get("WORLD_SIZE")
        raise BothwaysError(
            f"WORLD_SIZE={size} asks for processes that train together, but {str(error).rstrip('.')}. "
            "Start them with torchrun or accelerate launch, or unset WORLD_SIZE."
        ) from None
    except RuntimeError as error:
        raise lost(error) from None
    ranks = here()
    try:
        yield ranks
    finally:
        if ranks.first:
            with contextlib.suppress(RunError, Over):
                ranks._hear(OVER, 0)
        with contextlib.suppress(RuntimeError):
            dist.destroy_process_group()


def own_device(devices: int) -> int:
    """Return which accelerator of its machine is this process's own.

    Raises:
        BothwaysError: there are fewer of them than processes.
    """
    place = int(os.environ.get("LOCAL_RANK", "0"))
    if place >= devices:
        raise BothwaysError(
            f"Process {place + 1} of this machine finds {devices} accelerators. Start one process for each of them."
        )
    return place


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Turn what torch raises where another process is gone into one sentence."""
    try:
        yield
    except RuntimeError as error:
        raise lost(error) from None


def lost(error: Exception) -> RunError:
    """Return what to say where a process that trains along is gone."""
    why = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(". ")
    return RunError(
        f"A process that trains along has ended or does not answer ({why}). Start all of them again with --resume."
    )
