"""`sonicgrid pool up` again and again: more servers, fewer, another access, and what it had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import tritonclient.grpc as triton_grpc
import trustme
from tritonclient.utils import InferenceServerException

from jobs.pool.access import keys_folder
from jobs.pool.down import pool_down
from jobs.pool.up import pool_up
from sonic.server.tokens import sign_token
from tests.builders.certificates import issue, write_ca
from tests.builders.inference_load import Load, infer, noise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A pool with one slot and two servers, in a folder of its own."""
    folder = tmp_path_factory.mktemp("pool")
    try:
        pool_up(folder, sites={"local": 1}, servers=2)
        yield folder
    finally:
        pool_down(folder)


def test_a_pool_at_work_shrinks_and_grows(folder: Path) -> None:
    """Another number of servers changes neither the endpoint nor any answer."""
    (endpoint,) = pool_up(folder).endpoints
    with Load(endpoint) as load:
        for count in (1, 3, 1):
            assert pool_up(folder, servers=count).endpoints == [endpoint]
            load.run_for(0.5)
    assert load.wrong == []
    assert len(load.requests) > 20


def test_a_pool_stays_guarded_until_it_is_opened(folder: Path, tmp_path: Path) -> None:
    """`pool up` without an access file keeps the one that the pool had; only --open lets everybody in again."""
    authority = trustme.CA()
    ca = write_ca(authority, tmp_path, "ca")
    issue(authority, tmp_path, "host")
    access = tmp_path / "access.yaml"
    access.write_text("tls: {certificate: host.pem, key: host.key}\ntokens: own\nlimit: 800 Mb/s\n")
    for state in (pool_up(folder, access=access), pool_up(folder)):
        assert state.access == str(access)
        with triton_grpc.InferenceServerClient(state.endpoints[0], ssl=True, root_certificates=str(ca)) as client:
            with pytest.raises(InferenceServerException, match="Jwt is missing"):
                infer(client, noise(4))
            assert len(infer(client, noise(4), token=sign_token(keys_folder(folder)))[0]) == 4

    state = pool_up(folder, open_again=True)
    with triton_grpc.InferenceServerClient(state.endpoints[0]) as client:
        assert len(infer(client, noise(4))[0]) == 4
    assert pool_up(folder).access == ""
