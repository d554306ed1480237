"""The page on wire formats is enough to write a client from: what it says is what the code does, its C++ included."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zstandard
from tritonclient.utils import InferenceServerException

from sonic.errors import EndpointAway, RequestRefused, RequestTooLarge, TokenRefused
from sonic.foreign_errors import sonic_error
from sonic.formats import format_named
from sonic.network import EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT, MODEL_NAME
from sonic.server.models import DEMO_MODEL
from sonic.server.models.quality import file_sha256, run_model
from sonic.server.repository import MAX_BATCH_PATCHES, MOST_MESSAGE_PATCHES
from sonic.view_message import Strip, pack, unpack
from tests.builders.wire_vector import FOLDER, N_PATCHES_SHOWN, make_strip, patches_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sonic.errors import SonicError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "wire-formats.md"
HEADER_BYTES, CHECKSUM_BYTES = 24, 4

PACK_A_STRIP = """
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

int main(int argc, char** argv) {
  if (argc != 6) return EXIT_FAILURE;
  std::ifstream file(argv[1], std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<float> pixels(bytes.size() / sizeof(float));
  std::memcpy(pixels.data(), bytes.data(), bytes.size());
  std::vector<HitPixel> hits;
  std::istringstream positions(argv[4]);
  for (HitPixel hit{}; positions >> hit.wire >> hit.drift;) hits.push_back(hit);
  const auto number = [](const char* text) { return static_cast<std::uint32_t>(std::stoul(text)); };
  std::ofstream(argv[5], std::ios::binary) << pack(pixels, number(argv[2]), number(argv[3]), hits);
}
"""


def _text() -> str:
    return PAGE.read_text(encoding="utf-8")


def _section(heading: str) -> str:
    """Return a section of the page, those below it included."""
    match = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^(?!\1#)#+ |\Z)", _text(), flags=re.DOTALL | re.MULTILINE)
    assert match, heading
    return match[2]


def _rows(text: str) -> list[list[str]]:
    """Return the rows of the first table, without its head."""
    match = re.search(r"^\|.*\n\| --- .*\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    assert match
    return [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in match[1].splitlines()]


def _vector() -> tuple[Strip, bytes, dict[str, Any]]:
    described = json.loads((FOLDER / "strip.json").read_text(encoding="utf-8"))
    shape = (described["n_wires"], described["n_drift"])
    pixels = np.frombuffer((FOLDER / "strip.f32").read_bytes(), "<f4").reshape(shape)
    wire, drift = np.array(described["hits"]).T
    scores = json.loads((FOLDER / "scores.json").read_text(encoding="utf-8"))
    return Strip(pixels, wire, drift), (FOLDER / "message.bin").read_bytes(), scores


def _content(message: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompress(message[HEADER_BYTES:-CHECKSUM_BYTES])


def _assert_same(strip: Strip, wanted: Strip) -> None:
    assert strip.pixels.view(np.uint32).tolist() == wanted.pixels.view(np.uint32).tolist()
    assert strip.wire.tolist() == wanted.wire.tolist()
    assert strip.drift.tolist() == wanted.drift.tolist()


def test_the_vector_is_what_its_program_makes() -> None:
    """Strip and hit pixels of the files are those of the program that is said to have written them."""
    _assert_same(_vector()[0], make_strip())


def test_the_vector_message_holds_the_vector_strip() -> None:
    """The message unpacks to the strip, bit for bit; what we pack has the same header and content."""
    strip, message, _ = _vector()

    _assert_same(unpack(message, most_patches=len(strip.wire)), strip)

    ours = pack(strip)
    assert ours[:HEADER_BYTES] == message[:HEADER_BYTES]
    assert _content(ours) == _content(message)


def test_the_vector_patches_are_what_a_server_cuts() -> None:
    """The patches of the file are those that the message's are cut into, and hold zero outside of the strip."""
    strip, message, _ = _vector()
    shown = np.frombuffer((FOLDER / "patches.f32").read_bytes(), "<f4").reshape(-1, 48, 48, 1)

    assert np.array_equal(shown, patches_of(message, len(strip.wire))[:N_PATCHES_SHOWN])
    assert np.array_equal(shown[0, 23:, 18:, 0], strip.pixels[:25, :30])
    assert not shown[0, :23].any()


def test_the_vector_scores_are_the_demo_networks() -> None:
    """The network of the package gives the scores of the file, row by row."""
    strip, message, scores = _vector()
    em_trk_none, michel = run_model(DEMO_MODEL, patches_of(message, len(strip.wire)))

    assert (scores["model"], scores["sha256"]) == (MODEL_NAME, file_sha256(DEMO_MODEL))
    np.testing.assert_allclose(np.array(scores[EM_TRK_NONE_OUTPUT]), em_trk_none, atol=1e-6)
    np.testing.assert_allclose(np.array(scores[MICHEL_OUTPUT])[:, 0], michel, atol=1e-6)


def test_the_page_lists_the_files_of_the_vector() -> None:
    """Each file of the folder is explained, and no other."""
    listed = [row[0].strip("`") for row in _rows(_section("Test vector"))]
    assert sorted(listed) == sorted(path.name for path in FOLDER.iterdir())


def test_the_example_is_right_byte_by_byte() -> None:
    """The bytes of the example in one piece are a message of the strip in the text, and ours has its content."""
    pixels: NDArray[np.float32] = np.zeros((2, 5), np.float32)
    pixels[0, 1], pixels[1, 2], pixels[1, 4] = 1.1, -2.5, 15
    strip = Strip(pixels, np.array([0, 1]), np.array([3, 2]))
    message = b""
    for place, shown, _ in _rows(_section("An example")):
        first, last = (int(number) for number in place.split(" to "))
        part = bytes.fromhex(shown.strip("`"))
        assert (first, last) == (len(message), len(message) + len(part) - 1)
        message += part

    _assert_same(unpack(message, most_patches=2), strip)
    assert _content(pack(strip)) == _content(message)


def test_the_table_of_the_header_has_its_fields_in_place() -> None:
    """Each uint32 of the table is where the code writes it."""
    strip, message, _ = _vector()
    known = {
        "n_wires": strip.pixels.shape[0],
        "n_drift": strip.pixels.shape[1],
        "n_values": np.count_nonzero(strip.pixels.view(np.uint32)),
        "n_patches": len(strip.wire),
    }
    found = {}
    for place, _, what in _rows(_section("A `views` message")):
        if name := re.match(r"`(n_\w+)`", what):
            (found[name[1]],) = struct.unpack_from("<I", message, int(place.split(" to ")[0]))
    assert found == known


def test_the_models_are_those_that_are_served() -> None:
    """Names, tensors, bounds and parameters of both models stand in the table as the code has them."""
    rows = {tuple(row[1:]) for row in _rows(_section("Models"))}
    patches, views = format_named("patches"), format_named("views")

    def shown(format_name: str, name: str, names: dict[int, str]) -> str:
        tensor = format_named(format_name).tensors[name]  # type: ignore[arg-type] # one of the two names
        sizes = [names.get(axis, str(size)) for axis, size in enumerate(tensor.shape)]
        return f"`{name}` {tensor.datatype} [{', '.join(sizes)}]"

    assert (f"`{patches.model_name(MODEL_NAME)}`", f"`{views.model_name(MODEL_NAME)}`") in rows
    inputs = (shown("patches", patches.input_name, {0: "n"}), shown("views", views.input_name, {0: "1", 1: "bytes"}))
    assert inputs in rows
    for name in (EM_TRK_NONE_OUTPUT, MICHEL_OUTPUT):
        assert (shown("patches", name, {0: "n"}), shown("views", name, {0: "1", 1: "n"})) in rows
    most = (
        f"`max_batch_size` of the configuration, {MAX_BATCH_PATCHES}",
        f"its parameter `{views.patches_parameter}`, {MOST_MESSAGE_PATCHES}",
    )
    assert most in rows
    ((parameter, value),) = views.parameters.items()
    assert ("-", f"its parameter `{parameter}`, `{value}`") in rows


def test_what_to_ask_again_is_what_our_client_asks_again() -> None:
    """For each status and text of the table our client does what the page tells others to do."""
    kinds: dict[str, tuple[type[SonicError], ...]] = {
        "yes": (EndpointAway, TokenRefused),
        "smaller": (RequestTooLarge,),
        "no": (RequestRefused,),
    }
    for statuses, texts, _, again in _rows(_section("Errors, and which to ask again")):
        for status in re.findall(r"`(\w+)`", statuses):
            for text in re.findall(r"`(.+?)`", texts) or [""]:
                error = sonic_error(InferenceServerException(text, f"StatusCode.{status}"), "host:8001")
                answer = again.partition(",")[0]
                assert isinstance(error, kinds[answer]), (status, text)
                assert answer != "no" or not isinstance(error, RequestTooLarge | TokenRefused), (status, text)


def _compile(source: Path, program: Path) -> None:
    """Compile the page's C++ with a program around it; skip where it cannot be."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++ here")
    headers = "#include <zlib.h>\n#include <zstd.h>\n"
    found = subprocess.run(
        [compiler, "-x", "c++", "-E", "-", "-o", os.devnull], input=headers, text=True, capture_output=True, check=False
    )
    if found.returncode:
        pytest.skip("no headers of libzstd and zlib here (Debian: libzstd-dev, zlib1g-dev)")
    (code,) = re.findall(r"^```cpp\n(.*?)^```", _text(), flags=re.DOTALL | re.MULTILINE)
    source.write_text(code + PACK_A_STRIP)
    warnings = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    done = subprocess.run(
        [compiler, *warnings, str(source), "-o", str(program), "-lzstd", "-lz"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_cpp_packs_the_vector(tmp_path: Path) -> None:
    """The page's C++ compiles without a warning, and packs the vector's strip and a strip of one pixel as we do."""
    program = tmp_path / "pack"
    _compile(tmp_path / "pack.cpp", program)
    one = Strip(np.full((1, 1), 0.5, np.float32), np.array([0]), np.array([0]))
    for strip in (_vector()[0], one):
        floats, out = tmp_path / "strip.f32", tmp_path / "message.bin"
        floats.write_bytes(strip.pixels.astype("<f4").tobytes())
        positions = " ".join(f"{wire} {drift}" for wire, drift in zip(strip.wire, strip.drift, strict=True))
        sizes = [str(size) for size in strip.pixels.shape]
        subprocess.run([program, floats, *sizes, positions, out], check=True)
        message = out.read_bytes()

        _assert_same(unpack(message, most_patches=len(strip.wire)), strip)
        assert message[:HEADER_BYTES] == pack(strip)[:HEADER_BYTES]
        assert _content(message) == _content(pack(strip))
