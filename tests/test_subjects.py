"""A model by folder or by name: what is fetched, and the one sentence where nothing can be had."""

from pathlib import Path
from typing import Any

import pytest
from tests.explainable import library_folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the hub's client know that there is no network, and that nothing was fetched before."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


def test_a_folder_is_a_model_of_itself(tmp_path: Path) -> None:
    from bothways.subjects import find_model

    folder = library_folder("llama", tmp_path / "model")
    assert folder == find_model(folder)


def test_a_name_without_network_is_one_sentence(no_network: None) -> None:
    from bothways.errors import RunError
    from bothways.subjects import find_model

    with pytest.raises(RunError, match=r"nobody/nothing: there is no such folder, and the hub cannot be reached"):
        find_model("nobody/nothing")


@pytest.mark.parametrize("name", ["./nowhere", "a/b/c", "here/nothing", "-x", ""])
def test_what_is_no_name_is_not_asked_of_the_hub(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that leads nowhere is a slip, also where its first part is a folder here."""
    from bothways import subjects
    from bothways.errors import RunError

    def asked(name: str) -> Any:
        raise AssertionError(f"{name} was asked of the hub")

    monkeypatch.setattr(subjects, "fetch", asked)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    with pytest.raises(RunError, match=r"no such folder|holds no model"):
        subjects.find_model(name)


def test_no_code_and_no_pickle_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what a model's page offers, weights as safetensors, settings and the tokenizer come along."""
    import fnmatch

    import huggingface_hub

    from bothways.subjects import find_model

    asked: list[tuple[str, list[str]]] = []

    def snapshot_download(name: str, *, allow_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert tmp_path == find_model("somebody/something")
    ((name, patterns),) = asked
    offered = ["model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja", "merges.txt"]
    refused = ["pytorch_model.bin", "modeling.py", "model.pt", "README.md", "model.gguf", "flax_model.msgpack"]
    got = [file for file in (*offered, *refused) if any(fnmatch.fnmatch(file, p) for p in patterns)]
    assert ("somebody/something", offered) == (name, got)
