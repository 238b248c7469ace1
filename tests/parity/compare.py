"""Compares fanin with PyTorch: loss, logits, every gradient and the running statistics, in training and evaluation mode.
    python3 tests/parity/compare.py [--fanin build/release/fanin] [--models 'wrn-16-1;nin'] [--images 4]
PyTorch in float64 is the truth. Each deviation is a share of its tensor's largest value, and what PyTorch's own float32
reaches stands beside it. Exit code 1 if fanin is off by more than 1e-4 anywhere. Needs torch and nothing else.
SPDX-License-Identifier: MIT
"""
import argparse
import os
import platform
import subprocess
import sys
import tempfile

import torch

import parity_tools as tools

LIMIT = 1e-4
# Images and their rows and columns: the first that keeps CLEAR of every kink, else the clearest. Arguments of relu are
# of order 1 and float32 knows them to about 1e-6; a network of a million of them on 32 x 32 pixels has no clear batch.
BATCHES, CLEAR = ((4, 32), (4, 16), (2, 16)), 3e-6
# BatchNorm over two to four values is so badly conditioned that PyTorch's own float32 is off by 5e-5 to 1e-3. That is
# what VGG, whose last stage is 16 times smaller than the image, and BatchNorm between linear layers would get above.
OTHER_BATCHES = {"vgg": ((4, 32),), "fitnet4:norm=bn": ((8, 16),), "mlp": ((16, 32),)}
# For each family a small and a medium network; then what else the families can switch.
MODELS = """wrn-10-1 wrn-16-2
resnext-11-4x8d:widen=1 resnext-20-4x16d:widen=2
densenet-bc-16-12 densenet-40-12
resnet-8 resnet-20
preresnet-11 preresnet-29
vgg-11 vgg-16:act=silu
nin nin:norm=none
fitnet4 fitnet4:norm=bn
plain-8-8:norm=bn plain-20-16
mlp-2-64 mlp-5-256:norm=bn
resnext-11-4x8d:widen=1,form=B resnext-11-4x8d:widen=1,shortcut=A resnext-11-4x8d:widen=1,shortcut=C
resnet-8:shortcut=B resnet-8:shortcut=C resnet-11:block=bottleneck resnet-11:block=bottleneck,shortcut=A
preresnet-8:block=basic,width=8 densenet-bc-16-12:reduction=0.7 densenet-10-6 wrn-10-1:classes=100
wrn-10-1:norm=none resnext-11-2x8d:widen=1,norm=none densenet-bc-10-8:norm=none resnet-8:norm=none
preresnet-8:block=basic,norm=none vgg-11:norm=none mlp-3-32:act=identity
wrn-10-1:act=leaky_relu plain-5-8:act=tanh plain-5-8:act=sigmoid plain-5-8:act=softsign wrn-10-1:act=softplus
wrn-10-1:act=elu plain-5-8:act=selu densenet-bc-10-8:act=gelu wrn-10-1:act=silu""".split()


def choose_batch(options, spec, classes):
    """(images, size, key)"""
    best, best_margin = None, -1.0
    candidates = next((b for start, b in OTHER_BATCHES.items() if spec.startswith(start)), BATCHES)
    for images, size in [(options.images or i, options.size or s) for i, s in candidates]:
        key, margin = tools.clear_batch(spec, images, size, classes, draws=16)
        if margin > best_margin:
            best, best_margin = (images, size, key), margin
        if margin >= CLEAR or (options.images and options.size):
            break
    return best


def by_fanin(options, spec, images, labels, training, smoothing, folder):
    paths = {name: os.path.join(folder, name + ".safetensors") for name in ("weights", "batch", "out")}
    tools.write_safetensors(paths["weights"], tools.twin(spec, images.shape[2], torch.float32).named_state())
    tools.write_safetensors(paths["batch"], {"images": images, "labels": labels})
    command = [options.fanin, "grad", "--model", spec, "--weights", paths["weights"], "--batch", paths["batch"],
               "--out", paths["out"], "--label-smoothing", str(smoothing)] + ([] if training else ["--eval"])
    if options.threads:
        command += ["--threads", str(options.threads)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return tools.read_safetensors(paths["out"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fanin", default="build/release/fanin", help="the program (default %(default)s)")
    parser.add_argument("--models", help="networks, separated by ';' (default: two of each family, and variants)")
    parser.add_argument("--images", type=int, default=0, help="default: 4, or 2 for networks with many kinks")
    parser.add_argument("--size", type=int, default=0, help="rows and columns; default: 32, or 16 where kinks are many")
    parser.add_argument("--threads", type=int, default=0, help="of fanin; default: all cores")
    options = parser.parse_args()
    print(f"PyTorch {torch.__version__}, {platform.machine()}; worst deviation as a share of the tensor's largest "
          f"value; limit {LIMIT}\n")
    print("| network | images | mode | fanin | its tensor | PyTorch float32 | its tensor | nearest kink |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    failed = 0
    for spec in options.models.split(";") if options.models else MODELS:
        classes = tools.classes_of(spec)
        count, size, key = choose_batch(options, spec, classes)
        images, labels = tools.batch(key, count, size, classes)
        for training in (True, False):
            smoothing = 0.1 if training else 0.0  # so that both losses are compared
            truth, kink = tools.one_pass(tools.twin(spec, size, torch.float64), images, labels, training,
                                         smoothing)
            single, _ = tools.one_pass(tools.twin(spec, size, torch.float32), images, labels, training,
                                       smoothing)
            with tempfile.TemporaryDirectory() as folder:
                ours = by_fanin(options, spec, images, labels, training, smoothing, folder)
            share, name = tools.worst(ours, truth)
            theirs, their_name = tools.worst(single, truth)
            failed += not share <= LIMIT
            print(f"| {spec} | {count} of {size}x{size} | {'train' if training else 'eval'} | {share:.1e}{'' if share <= LIMIT else ' FAILED'} | "
                  f"{name} | {theirs:.1e} | {their_name} | {kink:.0e} |", flush=True)
    print(f"\n{failed} failed" if failed else "\nall agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
