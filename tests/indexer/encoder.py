"""Sentence encoders for tests, made on the spot: the vector of a text is the mean of those of its characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def write(
    folder: Path,
    meanings: Mapping[str, Sequence[float]],
    *,
    inputs: Sequence[str] = ("input_ids", "attention_mask"),
    output: str = "last_hidden_state",
    length: int | str = "length",
    pad: float = 0.0,
) -> Path:
    """A model of the characters in `meanings`; the marks and everything else mean nothing. With `length` it takes
    texts of that length alone, filled up with pieces that mean `pad` in each direction."""
    folder.mkdir(parents=True, exist_ok=True)
    width = len(next(iter(meanings.values())))
    (folder / "vocab.txt").write_text("\n".join([*MARKS, *meanings]) + "\n", "utf-8")
    table = np.zeros((len(MARKS) + len(meanings), width), np.float32)
    table[0], table[len(MARKS) :] = pad, list(meanings.values())
    helper, number = onnx.helper, onnx.TensorProto
    pooled = output == "sentence_embedding"
    nodes = [helper.make_node("Gather", ["table", inputs[0]], ["states" if pooled else output])]
    if pooled:
        nodes.append(helper.make_node("ReduceMax", ["states", "axes"], [output], keepdims=0))
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info(name, number.INT64, ["batch", length]) for name in inputs],
        [helper.make_tensor_value_info(output, number.FLOAT, ["batch", width] if pooled else ["batch", length, width])],
        [onnx.numpy_helper.from_array(table, "table"), onnx.numpy_helper.from_array(np.array([1]), "axes")],
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), str(folder / "model.onnx"))
    return folder
