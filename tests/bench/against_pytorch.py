"""fanin against PyTorch on this machine: whole training steps (forward, loss, backward, SGD with Nesterov momentum and weight
decay; 32-bit floats) of the same networks at the same batch, measured in turn within one run, since machines drift.
PyTorch runs in its best configuration, which is searched for each network: NCHW or channels_last, eager or compiled, with
tcmalloc where it is installed. --eval: forward in evaluation mode, without gradients. --conv says how fanin convolves;
PyTorch's products are those of 32-bit floats in any case, so a row of --conv bf16x3, whose products are not, compares two
precisions and has to say so.

    python3 tests/bench/against_pytorch.py --whole-table --state table.json   # all of docs/performance.md; may be continued
    python3 tests/bench/against_pytorch.py --networks wrn-16-4:128 --threads 1 --rounds 5
    python3 tests/bench/against_pytorch.py --networks wrn-16-1:32 wrn-16-1:512 --eval --conv fast
    python3 tests/bench/against_pytorch.py --isa avx2 --fanin build/avx2/fanin  # both without AVX-512
    python3 tests/bench/against_pytorch.py --python venv/bin/python  # another PyTorch; may be given several times

A row: images per second of both (medians over the rounds), the ratio round by round (median, least, most), and the peak
resident memory of both processes. --state FILE keeps every single measurement: rows that are there with the same settings
are not measured again, so that a long table can be stopped and continued. --wrap COMMAND runs each row as `COMMAND python3
this ...`, for machines where something must be arranged around a measurement.
SPDX-License-Identifier: MIT
"""
import argparse
import ctypes.util
import glob
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
NETWORKS = ("wrn-16-1:128 wrn-16-4:128 wrn-40-4:64 wrn-28-10:32 resnext-29-4x16d:64 resnext-29-8x16d:64 resnext-29-32x4d:64 "
            "resnext-29-8x64d:16 densenet-bc-100-12:64 densenet-40-12:64 densenet-bc-40-12:64").split()
OTHER_BATCHES = "wrn-16-1:32 wrn-16-1:512 wrn-16-4:32 densenet-bc-40-12:16 densenet-bc-40-12:256 resnext-29-4x16d:16".split()
# What restricts PyTorch's own kernels and oneDNN to instructions.
ISA = {"native": {}, "avx2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2"}}


class TorchStep:
    """One network in one configuration; calling it takes a step."""

    def __init__(self, spec, batch, layout, compiled, evaluate):
        import torch
        sys.path.insert(0, str(HERE.parent / "parity"))
        import torch_models

        torch_models.Margin.wanted = False
        self.torch, self.evaluate = torch, evaluate
        torch.manual_seed(0)
        self.model = torch_models.build(spec)
        self.model.train(not evaluate)
        self.images = torch.randn(batch, 3, 32, 32)
        self.labels = torch.arange(batch) % 10
        if layout == "channels_last":
            self.images = self.images.to(memory_format=torch.channels_last)
            self.model.to(memory_format=torch.channels_last)
            for name, value in getattr(self.model, "params", {}).items():  # wide-residual-networks keeps a dictionary
                if value.dim() == 4:
                    self.model.params[name] = value.contiguous(memory_format=torch.channels_last)
        parameters = [v for k, v in self.model.named_state().items() if "running" not in k]
        for p in parameters:
            p.requires_grad_(not evaluate)
        if not evaluate:
            self.optimizer = torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, nesterov=True, weight_decay=5e-4)
        self.call = torch.compile(self.model) if compiled else self.model

    def __call__(self):
        torch = self.torch
        if self.evaluate:
            with torch.no_grad():
                self.call(self.images)
            return
        self.optimizer.zero_grad()
        torch.nn.functional.cross_entropy(self.call(self.images), self.labels).backward()
        self.optimizer.step()


def worker(spec, batch, threads, layout, compiled, evaluate):
    """Takes steps for as many seconds as each line of the input says, and answers with a line of JSON."""
    import torch
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    step = TorchStep(spec, batch, layout, compiled, evaluate)
    for _ in range(3):
        step()
    print(json.dumps({"torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        times, end = [], time.perf_counter() + float(line)
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"images_per_second": batch / statistics.median(times), "peak_rss_bytes": rss}), flush=True)


def allocator():
    """The path of tcmalloc, which PyTorch is faster with, or None."""
    found = [path for name in ("libtcmalloc_minimal.so.4", "libtcmalloc.so.4")
             for path in glob.glob(f"/usr/lib/*/{name}") + glob.glob(f"/usr/lib/{name}")]
    return found[0] if found else ctypes.util.find_library("tcmalloc_minimal")


class TorchProcess:
    def __init__(self, python, options, arguments, layout, compiled):
        self.name = f"{layout}{', compiled' if compiled else ''}"
        spec, batch = arguments
        environment = {**os.environ, **ISA[options.isa]}
        if options.preload:
            environment["LD_PRELOAD"] = options.preload
        command = [python, str(pathlib.Path(__file__).resolve()), "--worker", spec, str(batch), str(options.threads), layout,
                   str(int(compiled)), str(int(options.eval))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, env=environment)
        answer = self.process.stdout.readline()
        self.version = json.loads(answer)["torch"] if answer else None  # None: this configuration does not run

    def measure(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def best_torch(options, arguments):
    """The fastest of all configurations, still running; the others are ended."""
    best, rate = None, 0.0
    for python in options.python:
        for layout in ("NCHW", "channels_last"):
            for compiled in (False, True):
                if compiled and not options.compile:
                    continue
                process = TorchProcess(python, options, arguments, layout, compiled)
                found = process.measure(options.seconds / 2)["images_per_second"] if process.version else 0.0
                if found > rate:
                    best, process, rate = process, best, found
                if process:
                    process.close()
    if best is None:
        sys.exit(f"no PyTorch answered; give its interpreter with --python (tried {', '.join(options.python)})")
    return best


def fanin_once(options, spec, batch):
    command = [options.fanin, "bench", "train", "--model", spec, "--batch", str(batch), "--threads", str(options.threads),
               "--seconds", str(options.seconds), "--conv", options.conv, "--json"] + (["--eval"] if options.eval else [])
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def settings(options, network):
    """What makes a row: equal settings are the same row."""
    spec, _, batch = network.rpartition(":")
    return {"network": spec, "batch": int(batch), "mode": "eval" if options.eval else "train", "threads": options.threads,
            "conv": options.conv, "isa": options.isa}


def compare(options, network):
    row = settings(options, network)
    arguments = (row["network"], row["batch"])
    torch = best_torch(options, arguments)
    rounds = []
    for _ in range(options.rounds):
        ours, theirs = fanin_once(options, *arguments), torch.measure(options.seconds)
        rounds.append({"fanin": ours, "torch": theirs, "ratio": ours["images_per_second"] / theirs["images_per_second"]})
    torch.close()
    return {**row, "torch": f"{torch.version} {torch.name}", "when": time.strftime("%Y-%m-%d %H:%M"), "rounds": rounds}


HEADER = ("| network, batch | --conv | fanin images/s | PyTorch images/s | ratio, median (least to most) | fanin MiB | PyTorch MiB "
          "| memory | PyTorch |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |")


def line(result):
    rounds = result["rounds"]
    rate = {who: statistics.median(r[who]["images_per_second"] for r in rounds) for who in ("fanin", "torch")}
    rss = {who: max(r[who]["peak_rss_bytes"] for r in rounds) / 2**20 for who in ("fanin", "torch")}
    ratios = [r["ratio"] for r in rounds]
    return (f"| {result['network']}, {result['batch']} | {result['conv']} | {rate['fanin']:.1f} | {rate['torch']:.1f} | "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {rss['fanin']:.0f} | {rss['torch']:.0f} | "
            f"{rss['fanin'] / rss['torch']:.2f} | {result['torch']} |")


class State:
    """The rows that were measured, in a file that is complete after each of them."""

    def __init__(self, path):
        self.path = pathlib.Path(path) if path else None
        self.rows = json.loads(self.path.read_text()) if self.path and self.path.exists() else []

    def find(self, row):
        return next((r for r in self.rows if all(r[key] == value for key, value in row.items())), None)

    def add(self, result):
        self.rows.append(result)
        if self.path:
            unfinished = self.path.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(self.rows, indent=1))
            unfinished.replace(self.path)


def wrapped(options, network):
    """compare(), in a process of its own under --wrap."""
    command = [*options.wrap.split(), sys.executable, str(pathlib.Path(__file__).resolve()), "--one-row", "--networks", network,
               "--fanin", options.fanin, "--threads", str(options.threads), "--rounds", str(options.rounds), "--seconds",
               str(options.seconds), "--conv", options.conv, "--isa", options.isa, "--preload", options.preload or ""]
    command += [word for python in options.python for word in ("--python", python)]
    command += ["--eval"] * options.eval + ["--compile"] * options.compile
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def table(options, state, title):
    print(f"\n{title}, {options.threads} thread{'s' * (options.threads > 1)}"
          f"{', both restricted to AVX2' if options.isa == 'avx2' else ''}:\n\n{HEADER}")
    for network in options.networks:
        result = state.find(settings(options, network))
        if result is None:
            try:
                result = wrapped(options, network) if options.wrap else compare(options, network)
            except (subprocess.CalledProcessError, json.JSONDecodeError, BrokenPipeError) as error:
                print(f"{network}: {error}; left out", file=sys.stderr, flush=True)  # the next call tries again
                continue
            state.add(result)
        print(line(result), flush=True)


def tables(options):
    """(title, changed options) of each table that is asked for."""
    if not options.whole_table:
        return [("Evaluation" if options.eval else "Training steps", {})]
    result = []
    for conv in ("exact", "fast"):
        result.append((f"Training steps, --conv {conv}", {"conv": conv, "eval": False, "networks": NETWORKS}))
    result.append(("Training steps", {"conv": "exact", "eval": False, "threads": 1, "networks": NETWORKS}))
    result.append(("Training steps, other batches", {"conv": "exact", "eval": False, "networks": OTHER_BATCHES}))
    result.append(("Evaluation", {"conv": "exact", "eval": True, "networks": NETWORKS}))
    return result


def main():
    if sys.argv[1:2] == ["--worker"]:
        spec, batch, threads, layout, compiled, evaluate = sys.argv[2:]
        return worker(spec, int(batch), int(threads), layout, bool(int(compiled)), bool(int(evaluate)))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fanin", default=str(HERE.parent.parent / "build/release/fanin"), help="the program")
    parser.add_argument("--python", action="append", help="interpreter with PyTorch; default: this one")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="MODEL:BATCH")
    parser.add_argument("--whole-table", action="store_true", help="training exact and fast, one thread, other batches, evaluation")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement")
    parser.add_argument("--eval", action="store_true", help="forward only")
    parser.add_argument("--conv", default="exact", choices=("exact", "fast", "bf16x6", "bf16x3"), help="fanin's convolutions")
    parser.add_argument("--isa", default="native", choices=sorted(ISA), help="avx2: PyTorch and oneDNN without AVX-512; give "
                        "--fanin a build of the same kind (cmake --preset avx2)")
    parser.add_argument("--compile", action="store_true", help="try torch.compile, too: minutes for each network")
    parser.add_argument("--preload", default=allocator(), help="allocator for PyTorch; default: tcmalloc if found, '' for none")
    parser.add_argument("--state", help="file of all measurements; what is in it is not measured again")
    parser.add_argument("--wrap", default="", help="command under which each row is measured")
    parser.add_argument("--one-row", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.python = options.python or [sys.executable]
    options.fanin = str(pathlib.Path(options.fanin).resolve())
    for network in options.networks:
        if not network.rpartition(":")[2].isdigit() or not network.rpartition(":")[0]:
            parser.error(f"--networks {network}: give MODEL:BATCH, such as wrn-16-1:128")
    if options.one_row:
        return print(json.dumps(compare(options, options.networks[0])))
    print(f"{options.rounds} rounds of {options.seconds:g} s each, in turn; PyTorch with {options.preload or 'the default allocator'}")
    state = State(options.state)
    for title, changes in tables(options):
        table(argparse.Namespace(**{**vars(options), **changes}), state, title)


main()
