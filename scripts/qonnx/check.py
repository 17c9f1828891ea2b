"""Holds QONNX models to the engine.

    check.py [--exact] MODEL.onnx MAPS.safetensors [MODEL.onnx MAPS.safetensors ...]

Both are of `tincy-train export`. Each model is run by the qonnx package on the engine's input, and every map
compared. Codes must be equal. Floats must be so with --exact, which holds where only sums of integers are scaled;
else they may be TOLERANCE of the map's largest number off. Codes that real numbers are rounded to may then be one
off where a float lies at a threshold, a few of a map; what follows goes on from the engine's.
"""

import json
import struct
import sys
import time

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.cleanup import cleanup_model

TOLERANCE = 1e-6
MOST_ROUNDED_OTHERWISE = 1e-4
MOST_CLEANED = 100


def read_maps(path):
    """Arrays by name of a safetensors file of 32-bit floats."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    maps = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        maps[name] = np.frombuffer(data[start:end], dtype="<f4").reshape(entry["shape"])
    return maps


def rounds(model, node):
    """Whether a node turns real numbers into codes."""
    return node.op_type == "MultiThreshold" and not model.get_tensor_datatype(node.input[0]).is_integer()


class Comparison:
    """One model beside the engine's maps."""

    def __init__(self, model, maps, exact):
        self.model, self.maps, self.exact = model, maps, exact
        self.codes = self.floats = self.equal_floats = self.rounded_otherwise = 0
        self.worst = 0.0
        self.wrong = []

    def run(self):
        """Runs the nodes, up to each that rounds and on from the engine's map."""
        nodes = list(self.model.graph.node)
        tensors = {name: self.maps[name] for name in [self.model.graph.input[0].name]}
        first = 0
        for last, node in enumerate(nodes):
            if not (last + 1 == len(nodes) or (rounds(self.model, node) and node.output[0] in self.maps)):
                continue
            tensors = execute_onnx(self.model, tensors, True, nodes[first], node)
            # QONNX has a value of its own for inputs that are left out.
            tensors.pop("", None)
            for name in (output for done in nodes[first : last + 1] for output in done.output):
                if name in self.maps:
                    self.compare(name, tensors[name], rounds(self.model, node) and name == node.output[0])
                    tensors[name] = self.maps[name]
            first = last + 1

    def compare(self, name, found, rounded):
        expected = self.maps[name]
        if found.shape != expected.shape:
            self.wrong.append(f"{name}: {found.shape}, not {expected.shape}")
            return
        off = np.abs(found.astype(np.float64) - expected)
        if self.model.get_tensor_datatype(name).is_integer():
            self.codes += 1
            count = np.count_nonzero(off)
            self.rounded_otherwise += count
            may = rounded and not self.exact and off.max() <= 1 and count <= MOST_ROUNDED_OTHERWISE * off.size
            if count and not may:
                self.wrong.append(f"{name}: {count} of {off.size} codes differ, by {off.max():g} at most")
            return
        self.floats += 1
        self.equal_floats += np.array_equal(found, expected)
        relative = off.max() / max(np.abs(expected).max(), 1e-30)
        self.worst = max(self.worst, relative)
        if not relative <= (0 if self.exact else TOLERANCE):
            self.wrong.append(f"{name}: floats differ by {relative:.2g} of the largest")


def check_types(model):
    """QONNX's own ideas of shapes and data types are those that the file has."""
    wrong = []
    inferred = ModelWrapper(model.model, make_deepcopy=True)
    for inference in [InferShapes(), InferDataTypes()]:
        inferred = inferred.transform(inference, make_deepcopy=False, cleanup=False)
    for node in model.graph.node:
        name = node.output[0]
        shapes = [m.get_tensor_shape(name) for m in (model, inferred)]
        types = [m.get_tensor_datatype(name) for m in (model, inferred)]
        if shapes[0] != shapes[1]:
            wrong.append(f"{name}: shape {shapes[0]}, inferred {shapes[1]}")
        # The others' types are not inferred from ranges.
        if node.op_type in ("Quant", "BipolarQuant", "MultiThreshold") and types[0] != types[1]:
            wrong.append(f"{name}: data type {types[0]}, inferred {types[1]}")
    return wrong


def check_cleaned(model, maps):
    """The model computes the same after QONNX's usual first step, which renames and sorts."""
    cleaned = cleanup_model(ModelWrapper(model.model, make_deepcopy=True))
    results = []
    for m in (model, cleaned):
        inputs = {m.graph.input[0].name: maps[model.graph.input[0].name]}
        results.append(list(execute_onnx(m, inputs).values()))
    same = all(np.array_equal(a, b) for a, b in zip(*results, strict=True))
    return [] if same else ["computes something else after qonnx's cleanup"]


def check(path, maps, exact):
    """Prints what was found; whether all is well."""
    proto = onnx.load(path)
    onnx.checker.check_model(proto)
    model = ModelWrapper(proto)
    comparison = Comparison(model, read_maps(maps), exact)
    start = time.monotonic()
    comparison.run()
    seconds = time.monotonic() - start
    comparison.wrong += check_types(model)
    # Which takes minutes where nodes are many.
    if len(model.graph.node) < MOST_CLEANED:
        comparison.wrong += check_cleaned(model, comparison.maps)
    print(
        f"{path}: {len(model.graph.node)} nodes in {seconds:.1f} s; {comparison.codes} maps of codes, "
        f"{comparison.rounded_otherwise} codes rounded otherwise; {comparison.floats} maps of floats, "
        f"{comparison.equal_floats} equal to the last bit, at worst {comparison.worst:.2g} off"
    )
    for line in comparison.wrong:
        print(f"{path}: {line}", file=sys.stderr)
    return not comparison.wrong


def main():
    arguments = sys.argv[1:]
    exact = arguments[:1] == ["--exact"]
    pairs = arguments[exact:]
    if not pairs or len(pairs) % 2:
        sys.exit(__doc__)
    results = [check(model, maps, exact) for model, maps in zip(pairs[::2], pairs[1::2])]
    sys.exit(0 if all(results) else 1)


main()
