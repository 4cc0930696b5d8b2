"""Convert a CTranslate2 Whisper folder to an openai-whisper checkpoint.

Tests use it to compare both engines on the same weights without a download. CTranslate2's
python/ctranslate2/specs/model_spec.py writes model.bin (version >= 4) as follows, little endian:

    u32 version, string spec, u32 revision
    u32 count, then each variable: string name, u8 rank, u32 × rank shape, u8 type, u32 size, bytes
    u32 count, then each alias: string alias, string name
    string: u16 length with the closing NUL, bytes
"""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]

FLOAT_TYPES: dict[int, np.dtype[np.generic]] = {0: np.dtype("<f4"), 4: np.dtype("<f2")}
INTEGER_TYPES: dict[int, np.dtype[np.generic]] = {
    1: np.dtype("i1"),
    2: np.dtype("<i2"),
    3: np.dtype("<i4"),
}
TYPES = FLOAT_TYPES | INTEGER_TYPES


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, kind: str) -> int:
        return int(struct.unpack("<" + kind, self.take(struct.calcsize(kind)))[0])

    def string(self) -> str:
        return self.take(self.number("H")).rstrip(b"\0").decode()


def read_variables(path: Path) -> Arrays:
    """Return all variables of a model.bin by name and alias.

    Raises:
        ValueError: The file is no Whisper model or has another format version.
    """
    reader = _Reader(path.read_bytes())
    version, spec, _revision = reader.number("I"), reader.string(), reader.number("I")
    if version < 4 or spec != "WhisperSpec":
        raise ValueError(f"{path}: {spec} version {version} is not supported")
    found: Arrays = {}
    for _ in range(reader.number("I")):
        name = reader.string()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        kind = TYPES[reader.number("B")]
        found[name] = np.frombuffer(reader.take(reader.number("I")), kind).reshape(shape)
    for _ in range(reader.number("I")):
        alias = reader.string()
        found[alias] = found[reader.string()]
    if reader.at != len(reader.data):
        raise ValueError(f"{path}: {len(reader.data) - reader.at} bytes left over")
    return found


# CTranslate2's name of a variable → openai-whisper's, where the values are the same.
_SAME = (
    (r"(encoder)/(conv[12])/(weight|bias)", r"\1.\2.\3"),
    (r"(encoder|decoder)/position_encodings/encodings", r"\1.positional_embedding"),
    (r"decoder/embeddings/weight", r"decoder.token_embedding.weight"),
    (r"encoder/layer_norm/(gamma|beta)", r"encoder.ln_post.\1"),
    (r"decoder/layer_norm/(gamma|beta)", r"decoder.ln.\1"),
    (r"(..coder)/layer_(\d+)/self_attention/layer_norm/(\w+)", r"\1.blocks.\2.attn_ln.\3"),
    (r"(..coder)/layer_(\d+)/attention/layer_norm/(\w+)", r"\1.blocks.\2.cross_attn_ln.\3"),
    (r"(..coder)/layer_(\d+)/ffn/layer_norm/(\w+)", r"\1.blocks.\2.mlp_ln.\3"),
    (r"(..coder)/layer_(\d+)/ffn/linear_0/(\w+)", r"\1.blocks.\2.mlp.0.\3"),
    (r"(..coder)/layer_(\d+)/ffn/linear_1/(\w+)", r"\1.blocks.\2.mlp.2.\3"),
    (r"(..coder)/layer_(\d+)/self_attention/linear_1/(\w+)", r"\1.blocks.\2.attn.out.\3"),
    (r"(..coder)/layer_(\d+)/attention/linear_0/(\w+)", r"\1.blocks.\2.cross_attn.query.\3"),
    (r"(..coder)/layer_(\d+)/attention/linear_2/(\w+)", r"\1.blocks.\2.cross_attn.out.\3"),
)
# CTranslate2 stacks the projections of one input in one matrix.
_STACKED = (
    (
        r"(..coder)/layer_(\d+)/self_attention/linear_0/(\w+)",
        r"\1.blocks.\2.attn.{}.\3",
        ("query", "key", "value"),
    ),
    (
        r"(..coder)/layer_(\d+)/attention/linear_1/(\w+)",
        r"\1.blocks.\2.cross_attn.{}.\3",
        ("key", "value"),
    ),
)


def _renamed(name: str, value: NDArray[np.generic]) -> Arrays:
    """The openai-whisper entries that one CTranslate2 variable becomes."""
    for pattern, target in _SAME:
        if match := re.fullmatch(pattern, name):
            found = match.expand(target)
            found = found.replace(".gamma", ".weight").replace(".beta", ".bias")
            return {found: value}
    for pattern, target, parts in _STACKED:
        if match := re.fullmatch(pattern, name):
            pieces = np.split(value, len(parts))
            entries = {
                match.expand(target).format(part): piece
                for part, piece in zip(parts, pieces, strict=True)
            }
            return {key: piece for key, piece in entries.items() if not _key_bias(key, piece)}
    return {}


def _key_bias(key: str, piece: NDArray[np.generic]) -> bool:
    # Whisper's key projection has no bias; CTranslate2 fills the stacked vector with zeros.
    if not key.endswith(".key.bias"):
        return False
    if np.any(piece):
        raise ValueError(f"{key} is not zero")
    return True


def convert(source: Path, checkpoint: Path) -> None:
    """Write a float32 checkpoint of a CTranslate2 folder.

    Args:
        source: The CTranslate2 folder, with float weights.
        checkpoint: The file to write.

    Raises:
        ValueError: ``read_variables`` refuses the file, the weights are quantised, or a key
            projection has a bias.
    """
    variables = read_variables(source / "model.bin")
    weights: Arrays = {}
    for name, value in variables.items():
        entries = _renamed(name, value)
        if entries and value.dtype not in FLOAT_TYPES.values():
            raise ValueError(f"{name}: quantised weights are not supported")
        weights |= entries
    state = {name: torch.tensor(value.astype(np.float32)) for name, value in weights.items()}
    dims: dict[str, int] = {"n_mels": state["encoder.conv1.weight"].shape[1]}
    for side, short in (("encoder", "audio"), ("decoder", "text")):
        context, width = state[f"{side}.positional_embedding"].shape
        layers = {name.split(".")[2] for name in state if name.startswith(f"{side}.blocks.")}
        dims |= {
            f"n_{short}_ctx": context,
            f"n_{short}_state": width,
            f"n_{short}_head": int(variables[f"{side}/num_heads"]),
            f"n_{short}_layer": len(layers),
        }
    dims["n_vocab"] = state["decoder.token_embedding.weight"].shape[0]
    torch.save({"dims": dims, "model_state_dict": state}, checkpoint)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
