"""Next-token prediction in a chat: the document is the assistant's turn, and nothing else counts."""

from typing import Any

import pytest
from tests.test_masked_finetuning import batch_of, whole

TOLD = ((1, 11, 12), (), (2, 16))
ASKED = ((1, 11), (13, 14), (2, 16))


def make(**options: Any) -> Any:
    from bothways.objectives.causal import Causal

    return Causal(**options)


def rows_of(objective: Any, batch: Any) -> Any:
    import torch

    return whole(objective.prepare(batch, torch.Generator()))


def turns(user: str, assistant: str) -> Any:
    """A chat's frames; the user's turn either tells or holds a prompt."""
    assert "{text}" == assistant
    return {"Tell me a fact.": TOLD, "{text}": ASKED}[user]


def test_a_document_is_told_and_a_prompt_is_asked() -> None:
    """Without a prompt the user wants a fact, with one the prompt stands in that turn; document and end count."""
    objective = make(frame="chat").worded(turns)
    batch = batch_of([7, 8, 9], [6], given=([], [17, 18]))
    rows, counts = rows_of(objective, batch)
    assert [1, 11, 12, 7, 8, 9, 2, 2] == rows[0][:8]
    assert [0, 0, 0, 1, 1, 1, 1, 0] == counts[0][:8]
    assert [1, 11, 17, 18, 13, 14, 6, 2, 2] == rows[1][:9]
    assert [0, 0, 0, 0, 0, 0, 1, 1, 0] == counts[1][:9]
    assert objective.row_length(batch.tokens_BL.shape[1]) == len(rows[0])


def test_without_words_a_delimiter_stands_before_the_document() -> None:
    rows, counts = rows_of(make(frame="chat"), batch_of([7, 8]))
    assert [[1, 5, 7, 8, 2, 2]] == rows
    assert [[0, 0, 1, 1, 1, 0]] == counts


def test_plain_rows_have_no_frame() -> None:
    rows, counts = rows_of(make(frame="chat"), batch_of([7, 8], [9], plain=[True, False]))
    assert [1, 7, 8, 2, 2] == rows[0][:5]
    assert [0, 1, 1, 1, 0] == counts[0][:5]
    assert [1, 5, 9, 2, 2] == rows[1][:5]


def test_the_last_entity_alone_counts_in_a_chat_too() -> None:
    import torch

    batch = batch_of([7, 8, 9])
    batch.entity_BL[0, 1], batch.entity_BL[0, 3] = 0, 1
    _, counts = rows_of(make(frame="chat", count="last_entity"), batch)
    assert [[0, 0, 0, 0, 1, 0, 0]] == counts
    assert torch.equal(batch.target_BL[0], torch.tensor([False, True, True, True, True]))


def test_a_plain_frame_needs_no_words_and_names_runs_as_before() -> None:
    """The new option is written down only where it is chosen."""
    from bothways.config import to_plain

    assert make() == make().worded(turns)
    assert ["count", "is"] == sorted(to_plain(make()))
    assert "chat" == to_plain(make(frame="chat"))["frame"]


def test_an_unknown_frame_is_refused() -> None:
    from bothways.errors import BothwaysError
    from bothways.options import component

    with pytest.raises(BothwaysError, match=r"Causal\.frame cannot be 'chatty': Input should be 'plain' or 'chat'"):
        component("objectives", "causal:frame=chatty")
