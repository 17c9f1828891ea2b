"""Times whole training steps of a network by PyTorch: forward, the mean of squares, backward, SGD with momentum.

    train.py LAYERS.json SIZE BATCH THREADS STEPS

LAYERS.json is what `step NETWORK --describe` prints. One JSON line a step on stdout: {"wall": s, "cpu": s}.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky": lambda x: F.leaky_relu(x, 0.1),
    "logistic": torch.sigmoid,
    "swish": F.silu,
    "mish": F.mish,
}


class Net(nn.Module):
    """The layers as they stand, with batch normalisation where the description says so."""

    def __init__(self, layers):
        super().__init__()
        self.layers = layers
        self.own = nn.ModuleDict()
        for index, layer in enumerate(layers):
            if layer["op"] == "conv":
                convolution = nn.Conv2d(
                    layer["in"], layer["out"], layer["kernel"], layer["stride"], 0, layer["dilation"],
                    layer["groups"], bias=not layer["norm"],
                )
                self.own[f"{index}"] = convolution
                if layer["norm"]:
                    self.own[f"{index}n"] = nn.BatchNorm2d(layer["out"])

    def forward(self, x):
        maps = []
        read = lambda source: x if source < 0 else maps[source]
        for index, layer in enumerate(self.layers):
            inputs = [read(source) for source in layer["inputs"]]
            maps.append(self.layer(index, layer, inputs))
        return [maps[output] for output in self.layers[-1]["outputs"]]

    def layer(self, index, layer, inputs):
        first = inputs[0]
        match_op = layer["op"]
        if match_op == "conv":
            top, left, bottom, right = layer["padding"]
            if top == bottom and left == right:
                # Padding inside the convolution, as one would write it.
                self.own[f"{index}"].padding = (top, left)
            else:
                first = F.pad(first, (left, right, top, bottom))
            first = self.own[f"{index}"](first)
            if layer["norm"]:
                first = self.own[f"{index}n"](first)
        elif match_op == "maxpool":
            top, left, bottom, right = layer["padding"]
            size = layer["kernel"]
            if top == bottom and left == right and 2 * top <= size[0] and 2 * left <= size[1]:
                first = F.max_pool2d(first, size, layer["stride"], (top, left))
            else:
                first = F.pad(first, (left, right, top, bottom), value=-1e30)
                first = F.max_pool2d(first, size, layer["stride"])
        elif match_op == "upsample":
            first = F.interpolate(first, scale_factor=layer["factor"], mode="nearest")
        elif match_op == "concat":
            first = torch.cat(inputs, 1)
        elif match_op == "slice":
            first = first[:, layer["start"] : layer["start"] + layer["count"]]
        elif match_op == "add":
            first = inputs[0] + inputs[1]
        else:
            sys.exit(f"train.py: {match_op} is not known here")
        return ACTIVATIONS[layer["activation"]](first)


def main():
    layers, size, batch, threads, steps = sys.argv[1], *map(int, sys.argv[2:6])
    torch.set_num_threads(threads)
    net = Net(json.load(open(layers)))
    optimizer = torch.optim.SGD(net.parameters(), 1e-6, momentum=0.9)
    x = torch.rand(batch, 3, size, size)
    for _ in range(steps):
        wall, cpu = time.perf_counter(), time.process_time()
        loss = sum((y * y).mean() for y in net(x))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}), flush=True)


main()
