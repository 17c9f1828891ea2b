"""Runs frames of one ONNX model in one peer on request: contestant.py ENGINE MODEL THREADS.

Speaks as models/engine/examples/peer.rs does: what it is, `ready`, then for each line `N` on stdin it runs N frames and answers
with the wall time of one in nanoseconds. Nothing but the network is run: no picture decoding, no boxes.
"""

import sys
import time


def picture(shape):
    import numpy

    return numpy.random.default_rng(2).random(shape, dtype=numpy.float32)


def onnxruntime(model, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    # Idle threads must not burn the core that the next contestant runs on.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    values = {entry.name: picture(entry.shape)}
    return lambda: session.run(None, values)


def openvino(model, threads):
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    # Which kernels it really chose: in int8 their names end in I8.
    kernels = {step.get_friendly_name(): step.get_rt_info() for step in compiled.get_runtime_model().get_ops()}
    kernels = {name: info["primitiveType"].value for name, info in kernels.items() if "primitiveType" in info}
    print(kernels)
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(picture(list(compiled.input(0).shape))))
    return request.infer


def main():
    engine, model, threads = sys.argv[1:]
    run = {"onnxruntime": onnxruntime, "openvino": openvino}[engine](model, int(threads))
    print("ready", flush=True)
    for line in sys.stdin:
        frames = int(line)
        start = time.perf_counter_ns()
        for _ in range(frames):
            run()
        print((time.perf_counter_ns() - start) // frames, flush=True)


if __name__ == "__main__":
    main()
