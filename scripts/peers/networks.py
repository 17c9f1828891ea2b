"""The networks that are timed, and the ONNX models that the peers run them from.

A topology is what models/engine/examples/peer.rs reads: activation, input as HEIGHTxWIDTHxCHANNELS, then
`c16k3s2` a convolution, `dk3` a depthwise one, `b64k3` a binary one on 3-bit codes, `p2` and `p1` max pools 2x2
with stride 2 and 1. A peer knows no binary layers and gets a plain convolution of the same shape. Weights are
random and calibration is by formula: good for timing, useless for detection.
"""

import re
import sys
from dataclasses import dataclass

HIDDEN = "b64k3 p2 b64k3 p2 b128k3 p2 b256k3 p2 b512k3 p1 b512k3 b512k3"
SEPARABLE = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + 5 * [(512, 1)] + [(1024, 2), (1024, 1)]

TOPOLOGIES = {
    # Tinier-YOLO: float ends around seven W1A3 layers.
    "tincy": f"relu 416x416x3 c16k3s2 {HIDDEN} c125k1",
    "hidden": f"relu 208x208x16 {HIDDEN}",
    "tiny-yolov2": "leaky 416x416x3 c16k3 p2 c32k3 p2 c64k3 p2 c128k3 p2 c256k3 p2 c512k3 p1 c1024k3 c1024k3 c125k1",
    # MobileNet v1's convolutions, for depthwise and pointwise layers.
    "mobilenet": "relu6 224x224x3 c32k3s2 " + " ".join(f"dk3s{stride} c{out}k1" for out, stride in SEPARABLE),
}

# Networks that are files beside the project: their f32 and int8 models.
FILES = {
    # What one would pick instead; the int8 one is ONNX Runtime's own quantization.
    "yolox-nano": ("onnx-detectors/yolox-nano.onnx", "onnx-detectors/yolox-nano-qdq.onnx"),
}

# Steps of the 8-bit codes: pictures are 0 to 1, activations about 0 to 5, and leaky ones reach a little below zero.
PICTURE_STEP, STEP, LEAKY_ZERO = 1 / 255, 0.02, 26


@dataclass
class Convolution:
    """A convolution's word, read."""

    outputs: int
    kernel: int
    stride: int
    groups: int


@dataclass
class Pool:
    """A max pool of 2x2."""

    stride: int


def parse(topology):
    """Activation, (height, width, channels) and the layers of a topology."""
    activation, shape, *words = topology.split()
    height, width, channels = map(int, shape.split("x"))
    layers, inputs = [], channels
    for word in words:
        if word[0] == "p":
            layers.append(Pool(int(word[1:])))
            continue
        outputs, kernel, stride = re.fullmatch(r"[bcd](\d*)k(\d+)(?:s(\d+))?", word).groups()
        groups = inputs if word[0] == "d" else 1
        inputs = int(outputs or inputs)
        layers.append(Convolution(inputs, int(kernel), int(stride or 1), groups))
    return activation, (height, width, channels), layers


class Writer:
    """Writes one topology as an ONNX graph, f32 or with quantize and dequantize pairs (u8 codes, s8 weights)."""

    def __init__(self, topology, int8):
        import numpy
        import onnx

        self.np, self.onnx = numpy, onnx
        self.random = numpy.random.default_rng(1)
        self.int8 = int8
        self.nodes, self.constants = [], []
        self.activation, self.shape, self.layers = parse(topology)

    def constant(self, name, values):
        self.constants.append(self.onnx.numpy_helper.from_array(self.np.asarray(values), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [output], **attributes))
        return output

    def quantized(self, tensor, step, zero=0):
        """The tensor through 8-bit codes; itself in f32."""
        if not self.int8:
            return tensor
        scale = self.constant(f"{tensor}.step", self.np.float32(step))
        zero = self.constant(f"{tensor}.zero", self.np.uint8(zero))
        codes = self.node("QuantizeLinear", [tensor, scale, zero], f"{tensor}.codes")
        return self.node("DequantizeLinear", [codes, scale, zero], f"{tensor}.values")

    def parameters(self, name, weights, input_step):
        """Names of a convolution's weights and biases; in int8 with a step a channel."""
        np = self.np
        if not self.int8:
            biases = np.zeros(len(weights), np.float32)
            return [self.constant(f"{name}.weights", weights), self.constant(f"{name}.biases", biases)]
        steps = np.abs(weights).reshape(len(weights), -1).max(1).astype(np.float32) / 127
        codes = np.rint(weights / steps[:, None, None, None]).astype(np.int8)
        sums = np.zeros(len(weights), np.int32)
        parts = [("weights", codes, steps), ("biases", sums, (steps * input_step).astype(np.float32))]
        names = []
        for part, values, scale in parts:
            inputs = [
                self.constant(f"{name}.{part}.codes", values),
                self.constant(f"{name}.{part}.steps", scale),
                self.constant(f"{name}.{part}.zeros", np.zeros(len(weights), values.dtype)),
            ]
            names.append(self.node("DequantizeLinear", inputs, f"{name}.{part}", axis=0))
        return names

    def convolution(self, layer, tensor, name, inputs, input_step):
        window = (layer.outputs, inputs // layer.groups, layer.kernel, layer.kernel)
        deviation = (2 / (window[1] * layer.kernel**2)) ** 0.5
        weights = (self.random.standard_normal(window) * deviation).astype(self.np.float32)
        return self.node(
            "Conv",
            [tensor, *self.parameters(name, weights, input_step)],
            name,
            kernel_shape=[layer.kernel] * 2,
            strides=[layer.stride] * 2,
            pads=[layer.kernel // 2] * 4,
            group=layer.groups,
        )

    def activated(self, tensor):
        output = f"{tensor}.active"
        if self.activation == "leaky":
            # ONNX Runtime has an 8-bit form of it only between codes.
            tensor = self.quantized(tensor, 2 * STEP, 128)
            return self.node("LeakyRelu", [tensor], output, alpha=0.1)
        if self.activation == "relu6":
            limits = [self.constant(f"{tensor}.{limit}", self.np.float32(limit)) for limit in (0, 6)]
            return self.node("Clip", [tensor, *limits], output)
        return self.node("Relu", [tensor], output)

    def model(self):
        height, width, channels = self.shape
        step, zero = STEP, LEAKY_ZERO if self.activation == "leaky" else 0
        input_step, inputs = PICTURE_STEP if channels == 3 else STEP, channels
        tensor = self.quantized("input", input_step)
        for number, layer in enumerate(self.layers):
            if isinstance(layer, Pool):
                after = 2 - layer.stride
                window = dict(kernel_shape=[2, 2], strides=[layer.stride] * 2, pads=[0, 0, after, after])
                tensor = self.node("MaxPool", [tensor], f"pool{number}", **window)
            else:
                tensor = self.convolution(layer, tensor, f"conv{number}", inputs, input_step)
                input_step, inputs = step, layer.outputs
                if number + 1 == len(self.layers):
                    break
                tensor = self.activated(tensor)
            tensor = self.quantized(tensor, step, zero)
        helper, float32 = self.onnx.helper, self.onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "network",
            [helper.make_tensor_value_info("input", float32, [1, channels, height, width])],
            [helper.make_tensor_value_info(tensor, float32, [1, inputs, "height", "width"])],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def main():
    """`networks.py FOLDER NAME...` writes NAME.f32.onnx and NAME.int8.onnx of each network, checked."""
    folder, *names = sys.argv[1:]
    for name in names:
        for precision in ("f32", "int8"):
            writer = Writer(TOPOLOGIES[name], precision == "int8")
            model = writer.model()
            writer.onnx.checker.check_model(model)
            writer.onnx.save(model, f"{folder}/{name}.{precision}.onnx")


if __name__ == "__main__":
    main()
