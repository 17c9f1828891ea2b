"""Cycles of a Cortex-A53 for each stage of a frame, from counted blocks of instructions and llvm-mca.

A block's cycles are those of one pass in the long run, as llvm-mca's model has them: all loads hit the first cache, all
branches are foreseen. That model issues a load of 128 bits like any other instruction; measured cores are kept from
issuing anything else for two cycles (ncnn's notes on the A53), so a second figure adds a cycle for each such register.
"""
import argparse
import collections
import json
import re
import subprocess
import sys
from pathlib import Path

CPU_HZ = 1.2e9
CORES = 4
TIMES = 2
STAGES = ["fit", "network", "around", "boxes", "picture", "draw", "screen"]
# Of all instructions executed, this share is looked at; the rest is taken at the mean of what was.
COVERED = 0.998
LOOPS_SHOWN = 14


def lines(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout.splitlines()


def counted(options, stage, times):
    """Times that each block, (address, instructions), was executed."""
    out = options.work / f"{stage}.blocks"
    out.unlink(missing_ok=True)
    run = ["qemu-aarch64", "-cpu", "cortex-a53", "-plugin", f"{options.plugin},out={out}"]
    subprocess.run([*run, options.program, options.model, stage, str(times)], check=True)
    counts = collections.Counter()
    *rows, end = out.read_text().splitlines()
    if end != "done":
        sys.exit(f"predict: {out} is cut off")
    for row in rows:
        address, instructions, count = row.split()
        counts[int(address, 16), int(instructions)] += int(count)
    return counts


def frame(options, stage, once):
    """Executions of each block in one frame's stage: what more runs had more."""
    more = counted(options, stage, TIMES)
    more.subtract(once)
    return {block: count / TIMES for block, count in more.items() if count > 0}


class Program:
    """The instructions of a program, by address, and the functions that they belong to."""

    def __init__(self, path):
        segments = lines("aarch64-linux-gnu-readelf", "-lW", path)
        starts = [int(row.split()[2], 16) for row in segments if re.match(r"\s+LOAD.* R E ", row)]
        self.start = min(starts)
        self.text, self.function = {}, {}
        function = ""
        for row in lines("aarch64-linux-gnu-objdump", "-d", "-C", "--no-show-raw-insn", path):
            if match := re.match(r"\s*([0-9a-f]+):\t(.*)", row):
                address = int(match[1], 16)
                self.text[address], self.function[address] = match[2], function
            elif match := re.match(r"[0-9a-f]+ <(.*)>:$", row):
                function = short(match[1])

    def block(self, block):
        address, count = block
        return [self.text.get(self.start + address + 4 * i, "nop") for i in range(count)]

    def name(self, block):
        return self.function.get(self.start + block[0], "?")


def short(name):
    """The last two parts of a Rust path, without its hash, its generics and its casts."""
    name = re.sub(r"::h[0-9a-f]{16}$", "", name)
    if match := re.match(r"<(.*) as .*>::(\w+)", name):
        name = f"{match[1]}::{match[2]}"
    while (less := re.sub(r"<[^<>]*>|\{\{closure\}\}(::)?", "", name)) != name:
        name = less
    parts = [part for part in name.split("::") if part]
    return "::".join(parts[-2:]) or name


def assembly(instruction):
    """What objdump wrote, as an assembler reads it: an address that is branched to is a distance there."""
    instruction = instruction.split("\t//")[0].split(" //")[0]
    instruction = re.sub(r"\b[0-9a-f]+ <[^>]*>.*$", "#4", instruction)
    if instruction.startswith((".inst", "udf")):
        return "nop"
    if re.match(r"(bl|blr|br|ret)\b", instruction):
        # The model knows no calls; what they cost here is a branch.
        return "b\t#4"
    return re.sub(r"^(adrp\s+\w+, ).*", r"\1#0", instruction)


def wide_loads(block):
    """128-bit registers that are loaded."""
    loads = 0
    for instruction in block:
        name, _, operands = instruction.partition("\t")
        if name.startswith("ld"):
            loads += len(re.findall(r"\bq\d+|\bv\d+\.(?:16b|8h|4s|2d)", operands))
    return loads


def cycles(program, blocks):
    """Cycles of one pass of each block, by llvm-mca."""
    name = "{0[0]:x}.{0[1]}".format
    text = []
    for block in blocks:
        body = map(assembly, program.block(block))
        text += [f"# LLVM-MCA-BEGIN {name(block)}", *body, "# LLVM-MCA-END"]
    command = ["llvm-mca", "-mtriple=aarch64-linux-gnu", "-mcpu=cortex-a53", "-iterations=100", "-json"]
    run = subprocess.run(command, input="\n".join(text) + "\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(f"predict: llvm-mca: {run.stderr.strip().splitlines()[0]}")
    regions = json.loads(run.stdout)["CodeRegions"]
    passes = {region["Name"]: region["SummaryView"]["TotalCycles"] / 100 for region in regions}
    return {block: passes[name(block)] for block in blocks}


def covering(counts):
    """The blocks that have nearly all executed instructions, and their share."""
    total = sum(block[1] * count for block, count in counts.items())
    chosen, covered = [], 0
    for block, count in sorted(counts.items(), key=lambda item: -item[0][1] * item[1]):
        if covered >= COVERED * total:
            break
        chosen.append(block)
        covered += block[1] * count
    return chosen, covered / max(total, 1)


def stage_cost(program, counts):
    """(instructions, cycles, cycles with the rule of loads) of a frame, and the rows of its blocks."""
    blocks, share = covering(counts)
    once = cycles(program, blocks)
    rows = []
    for block in blocks:
        wide = wide_loads(program.block(block))
        rows.append((counts[block] * once[block], block, counts[block], once[block], wide))
    plain = sum(row[0] for row in rows) / share
    ruled = sum(row[2] * (row[3] + row[4]) for row in rows) / share
    instructions = sum(block[1] * count for block, count in counts.items())
    return (instructions, plain, ruled), sorted(rows, reverse=True)


def milliseconds(count):
    return 1000 * count / CPU_HZ


def loops_table(program, stages):
    yield "hot blocks of instructions, each stage's first"
    yield f"{'stage':8} {'function':44} {'instr.':>6} {'cycles':>7} {'128-bit loads':>13} {'passes a frame':>14} {'ms':>7}"
    for stage, (_, rows) in stages.items():
        whole = sum(row[0] for row in rows)
        for total, block, count, once, wide in rows[:LOOPS_SHOWN]:
            if total >= 0.03 * whole:
                name = program.name(block)[-44:]
                row = f"{stage:8} {name:44} {block[1]:6} {once:7.1f} {wide:13} {count:14,.0f}"
                yield f"{row} {milliseconds(total):7.2f}"


def stages_table(stages):
    yield f"{'stage':8} {'instructions':>14} {'cycles':>14} {'a cycle':>7} {'ms':>8} {'ms, loads':>10}"
    for stage, ((instructions, plain, ruled), _) in stages.items():
        row = f"{stage:8} {instructions:14,.0f} {plain:14,.0f} {instructions / plain:7.2f}"
        yield f"{row} {milliseconds(plain):8.2f} {milliseconds(ruled):10.2f}"


def rates(ms, logic):
    """Lines of what bounds the rate, with logic and without; `ms` by stage."""
    out = ms["picture"] + ms["draw"] + ms["screen"]
    ways = [("around", logic["latency_ms"], "with the logic"), ("network", 0, "without")]
    for network, core, title in ways if logic else ways[1:]:
        one = ms["fit"] + ms[network] + ms["boxes"]
        bounds = {"four cores": (one + out) / CORES, "four workers": (one + core) / CORES, "the output's thread": out}
        if core:
            bounds["the logic"] = core
        yield f"{title}: a worker {one:.2f} ms of CPU a frame" + (f" and {core:.2f} of logic" if core else "")
        for what, bound in bounds.items():
            yield f"  {what:20} {bound:8.2f} ms a frame {1000 / bound:8.1f} frames/s"
        slowest = max(bounds, key=bounds.get)
        yield f"  so {1000 / bounds[slowest]:.1f} frames/s, bound by {slowest}; {one + core + out:.1f} ms from picture to screen"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the example `stages`, statically linked, for aarch64")
    parser.add_argument("model")
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--work", type=Path, required=True, help="a folder for counts; plan.json of the overlay in it")
    options = parser.parse_args()
    program = Program(options.program)
    plan = options.work / "plan.json"
    logic = json.loads(plan.read_text()) if plan.exists() else None
    once = {stage: counted(options, stage, 0) for stage in (["fit", "around"] if logic else ["fit"])}
    stages = {}
    for stage in STAGES:
        if stage == "around" and not logic:
            continue
        base = once["around" if stage == "around" else "fit"]
        stages[stage] = stage_cost(program, frame(options, stage, base))
    print(f"PREDICTED by llvm-mca's model of a Cortex-A53, {CPU_HZ / 1e9} GHz, one core: no board has run this")
    print("\n".join(stages_table(stages)), end="\n\n")
    if logic:
        cycles_ms = logic["interval"] / logic["clock_mhz"] / 1000
        starts_ms = logic["latency_ms"] - cycles_ms
        print(f"logic: {logic['interval']:,} cycles at {logic['clock_mhz']} MHz are {cycles_ms:.2f} ms, its starts {starts_ms:.2f}\n")
    for title, column in (("by llvm-mca", 1), ("with the rule of loads", 2)):
        ms = {stage: milliseconds(cost[column]) for stage, (cost, _) in stages.items()}
        print(f"frames a second, {title}")
        print("\n".join(rates(ms, logic)), end="\n\n")
    print("\n".join(loops_table(program, stages)))


main()
