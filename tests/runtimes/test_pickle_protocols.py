"""State dicts that torch saved with any pickle protocol: one verdict of all who look at them."""

from __future__ import annotations

from pathlib import Path

import pytest

import parity.runtimes as runtimes
from parity.formats import opened
from parity.inspecting.looking import inspect
from parity.runtimes import scan
from parity.runtimes.contract import AdapterError, Artifact

PROTOCOLS = (2, 3, 4, 5)


@pytest.fixture
def saved(torch_files: Path, tmp_path: Path, protocol: int, zipped: bool) -> Path:
    """The state dict of net.py's Net, written with one protocol in one of torch's two forms."""
    import torch

    path = tmp_path / "weights.pth"
    state = torch.load(torch_files / "net.pth", weights_only=True)
    torch.save(state, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    return path


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_state_dict_of_any_protocol_is_harmless(
    saved: Path, torch_files: Path, protocol: int
) -> None:
    """Recognised, scanned and described as those that torch.save writes by itself."""
    usual, found = inspect(torch_files / "net.pth", None), inspect(saved, None)
    assert (found.kind, found.code, found.faults) == ("state-dict", (), ())
    assert found.contents is not None
    assert usual.contents is not None
    assert found.contents.parameters == usual.contents.parameters
    assert found.contents.notes == usual.contents.notes
    assert found.contents.facts["pickle_protocol"] == protocol
    assert scan.findings(str(saved)) == ()
    with opened(str(saved)) as file:
        assert (file.content.kind, file.findings()) == ("state-dict", ())


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 3])
def test_a_protocol_that_torch_reads_as_weights_alone(saved: Path, torch_files: Path) -> None:
    """It loads without trust."""
    artifact = Artifact("net:Net", weights=str(saved), folder=str(torch_files))
    runtimes.load("torch")(artifact).close()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [4, 5])
def test_a_protocol_that_torch_does_not_read_as_weights_alone(
    saved: Path, torch_files: Path, protocol: int
) -> None:
    """The cause is the protocol, and no code is seen where none is; trusted, it loads."""
    artifact = Artifact("net:Net", weights=str(saved), folder=str(torch_files))
    with pytest.raises(AdapterError) as caught:
        runtimes.load("torch")(artifact)
    assert caught.value.code == "not-loadable"
    assert caught.value.facts["reason"] == (
        f"ValueError: it is pickled with protocol {protocol}, which torch does not read as weights "
        f"alone: save it again with torch.save as it is (pickle_protocol=2), or say trust = true"
    )
    trusted = Artifact("net:Net", weights=str(saved), folder=str(torch_files), trust=True)
    runtimes.load("torch")(trusted).close()
