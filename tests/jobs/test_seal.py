"""A document with a seal is what was written, or is found out."""

from __future__ import annotations

import json

import pytest
import yaml

from jobs.seal import Damaged, seal_json, seal_yaml, unseal_json, unseal_yaml


@pytest.mark.parametrize("document", [b"{}", b'{"a": 1}', b'{\n "a": [1, 2],\n "b": {}\n}\n', '{"å": "\\n"}'.encode()])
def test_a_sealed_document_says_the_same(document: bytes) -> None:
    """With its checksum it is JSON still; without it, what it was."""
    sealed = seal_json(document)
    assert json.loads(unseal_json(sealed)) == json.loads(document)
    assert json.loads(sealed) == {**json.loads(document), "checksum": json.loads(sealed)["checksum"]}


def test_every_bit_counts() -> None:
    """A changed document is refused by its checksum, or is no JSON, or has a key that it must not have."""
    sealed = seal_json(b'{"events": 5, "name": "a"}')
    for at in range(len(sealed)):
        for bit in range(8):
            changed = sealed[:at] + bytes([sealed[at] ^ (1 << bit)]) + sealed[at + 1 :]
            try:
                found = json.loads(unseal_json(changed))
            except ValueError:
                continue
            assert found == {"events": 5, "name": "a"} or set(found) - {"events", "name"}


def test_every_bit_of_yaml_counts() -> None:
    """The same for comments; one that is cut off is found out too."""
    sealed = seal_yaml(b"uplink: 10 Gb/s\nsites: [a, b]\n")
    good = yaml.safe_load(sealed)
    assert good == {"uplink": "10 Gb/s", "sites": ["a", "b"]}
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        try:
            assert yaml.safe_load(unseal_yaml(changed)) == good
        except (ValueError, yaml.YAMLError):
            continue
    for length in range(len(sealed) // 2, len(sealed)):
        with pytest.raises(Damaged):
            unseal_yaml(sealed[:length])


def test_a_document_without_a_seal_is_taken_as_it_is() -> None:
    """Earlier versions wrote none, and people write none."""
    assert unseal_json(b'{"a": 1}') == b'{"a": 1}'
    assert unseal_yaml(b"a: 1\n") == b"a: 1\n"
