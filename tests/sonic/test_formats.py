"""The wire formats: each is found by its name, and a job loads only the one that it uses."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from sonic.formats import format_named
from sonic.network import EM_TRK_NONE_OUTPUT, INPUT, MICHEL_OUTPUT, MODEL_NAME, PATCH_BYTES
from sonic.view_message import MESSAGE_INPUT
from sonic.wire_format import TYPICAL_BYTES_PER_PATCH, WireFormat
from tests.builders.client import FORMATS


@pytest.mark.parametrize("name", FORMATS)
def test_every_name_has_its_format(name: WireFormat) -> None:
    """A format must go by its own name, and describe its input among its tensors."""
    format_ = format_named(name)
    assert format_.name == name
    assert set(format_.tensors) == {format_.input_name, EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT}


def test_the_models_have_names_of_their_own() -> None:
    """Both formats of a network may be served side by side; the plain one has the experiment's name."""
    assert format_named("patches").model_name(MODEL_NAME) == MODEL_NAME
    assert format_named("views").model_name(MODEL_NAME) == f"{MODEL_NAME}_views"


def test_the_plain_model_is_the_experiments() -> None:
    """Tensors, and no parameter of ours."""
    plain = format_named("patches")
    assert (plain.input_name, plain.tensors[INPUT].datatype, plain.tensors[INPUT].shape) == (
        INPUT,
        "FP32",
        (-1, 48, 48, 1),
    )
    assert (plain.parameters, plain.patches_parameter) == ({}, "")


def test_the_model_of_views_takes_one_message_and_answers_in_a_batch_of_one() -> None:
    """The first axis of each tensor must be the batch."""
    tensors = format_named("views").tensors
    assert tensors[MESSAGE_INPUT].datatype == "UINT8"
    assert [tensors[name].shape for name in (MESSAGE_INPUT, EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT)] == [
        (-1, -1),
        (-1, -1, 3),
        (-1, -1, 1),
    ]


def test_every_format_says_what_a_patch_typically_takes() -> None:
    """Whoever plans the load of a link must have a number for each."""
    assert set(TYPICAL_BYTES_PER_PATCH) == set(get_args(WireFormat))
    assert TYPICAL_BYTES_PER_PATCH["patches"] == PATCH_BYTES
    assert TYPICAL_BYTES_PER_PATCH["patches"] / TYPICAL_BYTES_PER_PATCH["views"] > 300


def test_only_what_is_asked_for_is_imported() -> None:
    """Thousands of jobs pay for every import: the plain format must not load what packs views."""
    script = (
        "import sys; from sonic.formats import format_named; format_named('patches'); "
        "assert not {'zstandard', 'sonic.views', 'sonic.view_message'} & set(sys.modules); "
        "format_named('views'); assert 'zstandard' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
