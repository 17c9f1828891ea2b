"""The interleaved run of scripts/bench-peers, which see.

Every contestant is a process that stays loaded and runs frames on request, so that a round visits all of them in a
new random order and each has the same chance of a quiet moment. A visit is one frame to warm up, then as many timed
frames as take about as long for each. Compared is CPU time, since it suffers least from a crowded machine; the wall
time is printed beside it.
"""

import argparse
import json
import os
import platform
import random
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

import networks

# Wanted milliseconds of a visit's timed frames.
VISIT_MS = 40
QUICK_ROUNDS, ROUNDS = 5, 25
OURS, PROTOTYPE = "tincy", "prototype"
PEERS = ("onnxruntime", "openvino")
NETWORKS = [*networks.TOPOLOGIES, *networks.FILES]


class Contestant:
    """One engine, loaded with one network."""

    def __init__(self, network, engine, precision, threads, command):
        self.network, self.engine = network, engine
        self.precision, self.threads = precision, threads
        self.cpu, self.wall, self.frames = [], [], 1
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        # Linux names a process's CPU clock by its number: CPUCLOCK_SCHED in the lower bits.
        self.clock = (~self.process.pid << 3) | 2
        self.about = ""
        while (line := self.process.stdout.readline()) != "ready\n":
            if not line:
                raise RuntimeError(self.last_words())
            self.about += line

    def last_words(self):
        lines = self.process.communicate()[1].strip().splitlines()
        return lines[-1] if lines else f"ended with {self.process.returncode}"

    def run(self, frames):
        """CPU and wall milliseconds of one of `frames` frames."""
        before = time.clock_gettime_ns(self.clock)
        self.process.stdin.write(f"{frames}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.engine} {self.precision} on {self.network}: {self.last_words()}")
        cpu = (time.clock_gettime_ns(self.clock) - before) / frames
        return cpu / 1e6, int(answer) / 1e6

    def calibrate(self):
        self.run(1)
        self.frames = max(1, round(VISIT_MS / max(self.run(1)[1], 0.1)))

    def visit(self):
        self.run(1)
        cpu, wall = self.run(self.frames)
        self.cpu.append(cpu)
        self.wall.append(wall)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def positive(text):
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def numbers(text):
    return [positive(part) for part in text.split(",")]


def known(text):
    names = text.split(",")
    for name in names:
        if name not in NETWORKS:
            raise argparse.ArgumentTypeError(f"unknown network {name!r}: there are {', '.join(NETWORKS)}")
    return names


def arguments():
    parser = argparse.ArgumentParser("bench-peers", description="Times the engine against its peers.")
    parser.add_argument("--ours", required=True, help="the engine's driver")
    parser.add_argument("--prototype", help="the prototype's driver")
    parser.add_argument("--tincy", help="the command, which makes the engine's W8A8 networks of the peers' f32 ones")
    parser.add_argument("--pictures", help="a folder of pictures to find their ranges from")
    parser.add_argument("--shared", type=Path, help="the folder of the networks that are files")
    parser.add_argument("--python", help="an interpreter with the peers")
    parser.add_argument("--models", type=Path, help="folder for the peers' models")
    parser.add_argument("--rounds", type=positive, default=ROUNDS, help="how often each has its turn")
    parser.add_argument("--quick", action="store_const", const=QUICK_ROUNDS, dest="rounds", help="few rounds")
    parser.add_argument("--threads", type=numbers, default=[1], help="numbers of threads, as 1,2")
    parser.add_argument("--networks", type=known, default=NETWORKS, help=f"which of {', '.join(NETWORKS)}")
    parser.add_argument("--check", action="store_true", help="only look whether these arguments are right")
    parser.add_argument("--model", help="a .tincy file that the engine runs as the network tincy")
    parser.add_argument("--json", type=Path, help="write every sample there")
    return parser.parse_args()


def make_models(options, names):
    """Makes the peers' models by the peers' interpreter; whether it worked."""
    options.models.mkdir(parents=True, exist_ok=True)
    command = [options.python, networks.__file__, str(options.models), *names]
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if result.returncode:
        print(f"# the peers' models could not be made: {result.stderr.strip().splitlines()[-1]}", file=sys.stderr)
    return result.returncode == 0


def quantized(options, name, model):
    """The engine's W8A8 network of an f32 model, or None."""
    output = options.models / f"{name}.w8a8.tincy"
    command = [options.tincy, "--quiet", "quantize", str(model), "--calibrate", options.pictures, "--level", "w8a8"]
    result = subprocess.run([*command, "--force", "--output", str(output)], capture_output=True, text=True)
    if result.returncode:
        print(f"# no W8A8 of {name}: {result.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return str(output)


def entries(options, names):
    """(network, engine, precision, threads, command) of everything that could take part."""
    made = [name for name in names if name in networks.TOPOLOGIES]
    peers = options.python and make_models(options, made)
    contestant = str(Path(__file__).with_name("contestant.py"))
    for name in names:
        models = {precision: options.models / f"{name}.{precision}.onnx" for precision in ("f32", "int8")}
        if name in networks.FILES:
            models = dict(zip(("f32", "int8"), (options.shared / file for file in networks.FILES[name])))
        topology = networks.TOPOLOGIES.get(name)
        ours = options.model if options.model and name == "tincy" else topology
        low_bit = " b" in (topology or "")
        # What is hidden has no picture to find ranges from.
        w8a8 = peers and options.tincy and name != "hidden" and quantized(options, name, models["f32"])
        for threads in options.threads:
            if ours:
                yield name, OURS, "W1A3" if low_bit else "f32", threads, [options.ours, str(threads), ours]
            if w8a8:
                yield name, OURS, "W8A8", threads, [options.ours, str(threads), w8a8]
            if name == "hidden" and options.prototype and threads == 1:
                yield name, PROTOTYPE, "W1A3", threads, [options.prototype]
            for engine in PEERS if peers else ():
                for precision, model in models.items():
                    command = [options.python, contestant, engine, str(model), str(threads)]
                    yield name, engine, precision, threads, command


def start(options, names):
    contestants = []
    for *entry, command in entries(options, names):
        try:
            contestant = Contestant(*entry, command)
            contestant.calibrate()
            contestants.append(contestant)
        except (RuntimeError, OSError) as error:
            print(f"# not run: {' '.join(map(str, entry))}: {error}", file=sys.stderr)
    return contestants


def race(contestants, rounds):
    order, chance = list(contestants), random.Random(1)
    for number in range(rounds):
        if sys.stderr.isatty():
            print(f"\rround {number + 1} of {rounds}", end="", file=sys.stderr)
        chance.shuffle(order)
        for contestant in order:
            contestant.visit()
    if sys.stderr.isatty():
        print(file=sys.stderr)


def find(contestants, network, engines, precision, threads=1):
    """The one with the least CPU time, or None."""
    fits = [c for c in contestants if c.network == network and c.engine in engines]
    fits = [c for c in fits if c.precision == precision and c.threads == threads]
    return min(fits, key=lambda c: min(c.cpu), default=None)


def counterpart(contestants, contestant):
    """The engine's own on the same network and threads: W8A8 beside int8, else its first."""
    ours = [c for c in contestants if c.engine == OURS]
    ours = [c for c in ours if (c.network, c.threads) == (contestant.network, contestant.threads)]
    alike = [c for c in ours if contestant.precision in ("int8", "W8A8") and c.precision == "W8A8"]
    return next(iter(alike or ours), None)


def table(contestants):
    """The table's lines: ratios are CPU time to ours on the same network and threads, W8A8 beside int8."""
    head = f"{'network':12} {'engine':12} {'precision':9} thr {'CPU min':>8} {'median':>8} {'wall min':>8} {'median':>8}"
    yield f"{head} {'x ours, min':>12} {'median':>7}"
    place = NETWORKS.index
    for c in sorted(contestants, key=lambda c: (place(c.network), c.threads, min(c.cpu))):
        median = statistics.median
        line = f"{c.network:12} {c.engine:12} {c.precision:9} {c.threads:3} {min(c.cpu):8.2f} {median(c.cpu):8.2f}"
        line += f" {min(c.wall):8.2f} {median(c.wall):8.2f}"
        ours = counterpart(contestants, c)
        if ours:
            line += f" {min(c.cpu) / min(ours.cpu):12.2f} {median(c.cpu) / median(ours.cpu):7.2f}"
        yield line


def ratios(contestants):
    """What the engine is held to: (what, ratio of minima, ratio of medians, at most)."""
    claims = [
        ("hidden layers / prototype", "hidden", "W1A3", (PROTOTYPE,), "W1A3", 1.0, 1),
        ("hidden layers / best int8 peer", "hidden", "W1A3", PEERS, "int8", 0.25, 1),
        ("Tiny YOLOv2 f32 / ONNX Runtime f32", "tiny-yolov2", "f32", ("onnxruntime",), "f32", 1.2, 1),
        ("MobileNet f32 / ONNX Runtime f32", "mobilenet", "f32", ("onnxruntime",), "f32", 1.2, 1),
    ]
    for threads in (1, 2):
        claims.append(("whole W1A3 network / best int8 peer", "tincy", "W1A3", PEERS, "int8", 0.25, threads))
        for network in ("tincy", "tiny-yolov2", "yolox-nano"):
            claims.append((f"{network} W8A8 / best int8 peer", network, "W8A8", PEERS, "int8", 1.0, threads))
    median = statistics.median
    for what, network, precision, engines, other, bar, threads in claims:
        ours, best = (
            find(contestants, network, of, wanted, threads) for of, wanted in (((OURS,), precision), (engines, other))
        )
        if ours and best:
            what = what if threads == 1 else f"{what}, {threads} threads"
            yield what, min(ours.cpu) / min(best.cpu), median(ours.cpu) / median(best.cpu), bar
    for network, precision in (("tincy", "W1A3"), ("tiny-yolov2", "f32")):
        one, two = (find(contestants, network, (OURS,), precision, threads) for threads in (1, 2))
        if one and two:
            what = f"{network}: wall time of two threads / one"
            yield what, min(two.wall) / min(one.wall), median(two.wall) / median(one.wall), 1 / 1.8


def processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def main():
    options = arguments()
    if options.check:
        return
    names = options.networks
    if not options.shared:
        names = [name for name in names if name not in networks.FILES]
    contestants = start(options, names)
    if not contestants:
        sys.exit("nothing could be run")
    race(contestants, options.rounds)
    for contestant in contestants:
        contestant.stop()
    print(f"# {processor()}, {os.cpu_count()} cores; {options.rounds} rounds; milliseconds a frame, network only")
    print(*table(contestants), sep="\n")
    results = list(ratios(contestants))
    for what, least, middle, bar in results:
        verdict = "met" if least <= bar else "missed"
        print(f"{what:48} {least:.3f} (medians {middle:.3f}), at most {bar:.3g}: {verdict}")
    if options.json:
        keys = ("network", "engine", "precision", "threads", "about", "frames", "cpu", "wall")
        report = {
            "processor": processor(),
            "rounds": options.rounds,
            "command": shlex.join(sys.argv[1:]),
            "contestants": [{key: getattr(c, key) for key in keys} for c in contestants],
            "ratios": [dict(zip(("what", "minima", "medians", "at_most"), result)) for result in results],
        }
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
