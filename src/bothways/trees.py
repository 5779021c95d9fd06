"""Token sequences that share their beginnings, as one tree: each token is read once, after its own ancestors.

A prompt with its candidates is a trunk with branches, and the prompts of an exam share trunks. `grow` makes the tree,
`lay_out` cuts it into rows of one width for models that can read many branches in one row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Branches:
    """Token sequences that may follow a prompt, their shared beginnings merged; made once for all prompts of a pool."""

    token_N: Int[np.ndarray, " N"]
    parent_N: Int[np.ndarray, " N"]
    """-1 where the prompt itself is the parent."""
    depth_N: Int[np.ndarray, " N"]
    last_C: Int[np.ndarray, " C"]
    """The node each sequence ends at, -1 for an empty one."""

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]]) -> "Branches":
        """Merge what the sequences share.

        >>> Branches.of([[5, 7], [5, 6], [5]]).last_C
        array([2, 1, 0])
        """
        tokens: list[int] = []
        parents: list[int] = []
        last = [-1] * len(sequences)
        path: list[int] = []
        before: Sequence[int] = ()
        for c in sorted(range(len(sequences)), key=lambda c: list(sequences[c])):
            path = path[: shared(before, sequences[c])]
            for token in sequences[c][len(path) :]:
                parents.append(path[-1] if path else -1)
                path.append(len(tokens))
                tokens.append(token)
            before, last[c] = sequences[c], path[-1] if path else -1
        depths: list[int] = []
        for parent in parents:
            depths.append(depths[parent] + 1 if parent >= 0 else 0)
        return cls(*(np.array(numbers, np.int64) for numbers in (tokens, parents, depths, last)))


@dataclass(frozen=True)
class TokenTree:
    """Token sequences merged where they begin alike: a node is a token that follows the tokens of its ancestors.

    Nodes are numbered as in a walk that visits each before its descendants, and a whole branch before the next.
    """

    token_N: Int[np.ndarray, " N"]
    parent_N: Int[np.ndarray, " N"]
    """-1 for a first token."""
    depth_N: Int[np.ndarray, " N"]
    """How many ancestors a node has: the place where it would stand in a row of its own branch."""
    asked_N: Bool[np.ndarray, " N"]
    """Whose log-probability after its ancestors is wanted; never a first token's."""

    @cached_property
    def read_F(self) -> Int[np.ndarray, " F"]:
        """The nodes that have children: only these need to be read."""
        return np.unique(self.parent_N[self.parent_N >= 0])

    @cached_property
    def asked_E(self) -> Int[np.ndarray, " E"]:
        """The asked nodes, in the order of their parents."""
        found_E = np.flatnonzero(self.asked_N)
        return found_E[np.argsort(self.parent_N[found_E], kind="stable")]

    def paths(self, nodes_B: Int[np.ndarray, " B"]) -> Int[np.ndarray, "B L"]:
        """Return each node's ancestors and itself from the first token on, -1 after it."""
        at_B = nodes_B.copy()
        node_BL = np.full((len(at_B), int(self.depth_N[at_B].max(initial=-1)) + 1), -1)
        while (open_M := np.flatnonzero(at_B >= 0)).size:
            node_BL[open_M, self.depth_N[at_B[open_M]]] = at_B[open_M]
            at_B[open_M] = self.parent_N[at_B[open_M]]
        return node_BL

    def sums(self, value_N: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
        """Return the sum of a value over each node and its ancestors."""
        total_N = value_N.copy()
        for nodes in self.levels():
            total_N[nodes] += total_N[self.parent_N[nodes]]
        return total_N

    def levels(self) -> Iterator[np.ndarray]:
        """Yield the nodes of each depth, from depth 1 on."""
        order_N = np.argsort(self.depth_N, kind="stable")
        yield from np.split(order_N, np.searchsorted(self.depth_N[order_N], np.arange(1, self.depth_N.max() + 1)))[1:]


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two sequences have in common from their start.

    >>> shared([1, 2, 3], [1, 2, 4, 3])
    2
    """
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def grow(questions: Sequence[tuple[Sequence[int], Branches]]) -> tuple[TokenTree, list[int]]:
    """Return one tree of all prompts with their branches, and the number of each question's first branch node.

    Prompts share what they begin with; branches are shared within a prompt only, for what they follow differs.
    """
    parts: list[tuple[np.ndarray, ...]] = []
    starts, size = [0] * len(questions), 0
    path: list[int] = []
    before: Sequence[int] = ()
    for q in sorted(range(len(questions)), key=lambda q: list(questions[q][0])):
        prompt, branches = questions[q]
        n_same = shared(before, prompt)
        new = np.arange(size, size + len(prompt) - n_same)
        path = [*path[:n_same], *new.tolist()]
        before, starts[q] = prompt, size + len(new)
        tokens, depth_new = np.array(prompt[n_same:], np.int64), np.arange(n_same, len(prompt))
        parts.append((tokens, np.array([-1, *path], np.int64)[depth_new], depth_new, np.zeros(len(new), bool)))
        parent_N = np.where(branches.parent_N < 0, path[-1], branches.parent_N + starts[q])
        asked_N = np.ones(len(parent_N), bool)
        parts.append((branches.token_N, parent_N, branches.depth_N + len(prompt), asked_N))
        size = starts[q] + len(parent_N)
    return TokenTree(*(np.concatenate(column) for column in zip(*parts, strict=True))), starts


@dataclass(frozen=True)
class TreeRows:
    """Part of a token tree in rows of one width, for a model that reads left to right along each branch."""

    tokens_BL: Int[Tensor, "B L"]
    place_BL: Int[Tensor, "B L"]
    """Where each token would stand in a row of its own branch, from 0."""
    sees_BLL: Bool[Tensor, "B L L"]
    """Whether a token (second axis) reads another (third axis): itself and its ancestors."""
    new_BL: Bool[Tensor, "B L"]
    """Where a node stands for the first time: the ancestors of a row's first new node are repeated before it."""

    def to(self, device: torch.device) -> "TreeRows":
        """Return the same rows on a device."""
        return TreeRows(*(part.to(device) for part in (self.tokens_BL, self.place_BL, self.sees_BLL, self.new_BL)))


def lay_out(tree: TokenTree, width: int, n_rows: int) -> Iterator[TreeRows]:
    """Cut the nodes that are read into rows of one width, and yield them `n_rows` at a time.

    The new nodes of all rows together are `tree.read_F` in its order. Rows are full but for the last.
    """
    read_F = tree.read_F
    ends_F = branch_ends(tree)
    rows, n_old = cut(tree, width)
    for start in range(0, len(rows), n_rows):
        chunk = rows[start : start + n_rows]
        node_BL = np.full((len(chunk), width), -1)
        new_BL = np.zeros(node_BL.shape, bool)
        for b, nodes in enumerate(chunk):
            node_BL[b, : len(nodes)] = nodes
            new_BL[b, n_old[start + b] : len(nodes)] = True
        end_BL = np.where(node_BL >= 0, ends_F[node_BL], -1)
        sees_BLL = (node_BL[:, None, :] <= node_BL[:, :, None]) & (node_BL[:, :, None] < end_BL[:, None, :])
        sees_BLL |= np.eye(width, dtype=bool)
        filled_BL = read_F[node_BL]  # what fills the last row is any node, and reads only itself
        parts = (tree.token_N[filled_BL], np.where(node_BL >= 0, tree.depth_N[filled_BL], 0), sees_BLL, new_BL)
        yield TreeRows(*(torch.from_numpy(part) for part in parts))


def cut(tree: TokenTree, width: int) -> tuple[list[np.ndarray], list[int]]:
    """Return the places in `read_F` that stand in each row, and how many of them stand in an earlier row as well."""
    rows: list[np.ndarray] = []
    n_old: list[int] = []
    at, n_read = 0, len(tree.read_F)
    while at < n_read:
        path = tree.paths(tree.read_F[at : at + 1])[0]
        old = np.searchsorted(tree.read_F, path[:-1])
        stop = min(n_read, at + width - len(old))
        assert stop > at, "a row is narrower than a branch is deep"
        rows.append(np.concatenate([old, np.arange(at, stop)]))
        n_old.append(len(old))
        at = stop
    return rows, n_old


def branch_ends(tree: TokenTree) -> Int[np.ndarray, " F"]:
    """Return, for each node of `read_F`, the place in it where its last descendant has been passed."""
    size_N = np.zeros(len(tree.token_N), np.int64)
    size_N[tree.read_F] = 1
    for nodes in reversed(list(tree.levels())):
        np.add.at(size_N, tree.parent_N[nodes], size_N[nodes])
    return np.arange(len(tree.read_F)) + size_N[tree.read_F]
