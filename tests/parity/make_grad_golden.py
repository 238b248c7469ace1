"""Writes golden/torch_grad.json: losses, logits, gradients and running statistics of small networks, and the losses of
100 steps of SGD, from PyTorch in float64; weights and images are by formula (parity_tools.py).
    python3 tests/parity/make_grad_golden.py > tests/parity/golden/torch_grad.json
Of each tensor stand the largest value, the sum of all values with random weights in [-1, 1), and four values.
SPDX-License-Identifier: MIT
"""
import json
import math
import sys

import torch

import parity_tools as tools

# network, rows and columns of its images
NETWORKS = [("wrn-10-1", 32), ("resnext-11-4x8d:widen=1", 16), ("resnext-11-2x8d:widen=1,form=B,shortcut=A", 16),
            ("densenet-bc-10-8", 32), ("densenet-10-6", 16), ("resnet-8", 16), ("resnet-11:block=bottleneck,width=8", 16),
            ("preresnet-11:width=8", 16), ("vgg-11", 32), ("nin", 16), ("fitnet4", 16), ("plain-8-8:norm=bn", 32),
            ("mlp-2-64", 8), ("wrn-10-1:norm=none,act=gelu,classes=7", 16)]
IMAGES, SMOOTHING = 4, 0.1
# network, rows and columns, rate of learning. With relu a step that crosses a kink in one program and not in the other
# parts them by far more than rounding, which widens the band that the test allows; silu has no kinks and shows what the
# optimizer does to six digits.
TRAINED = [("wrn-10-1", 16, 0.02), ("resnext-11-4x8d:widen=1", 16, 0.01), ("densenet-bc-10-8", 16, 0.005),
           ("wrn-10-1:act=silu", 16, 0.02), ("resnext-11-4x8d:widen=1,act=silu", 16, 0.01),
           ("densenet-bc-10-8:act=silu", 16, 0.01), ("resnet-8:act=silu", 16, 0.02),
           ("preresnet-11:width=8,act=silu", 16, 0.02), ("plain-8-8:norm=bn,act=silu", 16, 0.02),
           ("mlp-2-64:act=silu", 8, 0.02), ("fitnet4:act=silu", 8, 0.01), ("nin:act=silu", 8, 0.005)]
STEPS, DROP, BATCHES, BATCH_SIZE = 100, 60, 4, 8


def short(value, digits=9):
    return float(f"{float(value):.{digits}g}")


def outline(name, tensor, scale):
    flat = tensor.flatten()
    last = flat.numel() - 1
    weighted = (flat * (2.0 * tools.uniform("weigh/" + name, flat.numel()) - 1.0)).sum()
    return [short(scale, 4), short(weighted)] + [short(flat[last * k // 3]) for k in range(4)]


def passes():
    for spec, size in NETWORKS:
        classes = tools.classes_of(spec)
        key, margin = tools.clear_batch(spec, IMAGES, size, classes, draws=16)
        x, labels = tools.batch(key, IMAGES, size, classes)
        for training in (True, False):
            truth, _ = tools.one_pass(tools.twin(spec, size, torch.float64), x, labels, training, SMOOTHING)
            single, _ = tools.one_pass(tools.twin(spec, size, torch.float32), x, labels, training, SMOOTHING)
            scale = tools.scales(truth)
            if not training:  # running statistics stay as they are
                truth = {name: tensor for name, tensor in truth.items() if "running_" not in name}
            yield {"model": spec, "size": size, "batch": key, "train": training, "kink": short(min(margin, 1.0), 2),
                   "float32": short(tools.worst({k: single[k] for k in truth}, truth)[0], 2),
                   "tensors": {name: outline(name, tensor, scale[name]) for name, tensor in truth.items()}}
            print(spec, training, file=sys.stderr)


def losses(spec, size, rate, dtype, nudge=None):
    """The loss before each step. `nudge` names the signs of a change of every weight by one part in 2^23."""
    classes = tools.classes_of(spec)
    batches = [tools.batch(f"step/{b}", BATCH_SIZE, size, classes) for b in range(BATCHES)]
    model = tools.twin(spec, size, dtype)
    weights = [tensor for name, tensor in model.named_state().items() if "running_" not in name]
    if nudge:
        with torch.no_grad():
            for i, w in enumerate(weights):
                signs = (2.0 * (tools.uniform(f"{nudge}/{i}", w.numel()) >= 0.5).double() - 1.0).reshape(w.shape)
                w.mul_(1.0 + signs * 2.0 ** -23)
    optimizer = torch.optim.SGD(weights, lr=rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [DROP], 0.1)
    model.train(True)
    values = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss, _ = tools.loss_of(model, *batches[step % BATCHES])
        loss.backward()
        optimizer.step()
        schedule.step()
        values.append(float(loss))
    return values


def trainings():
    for spec, size, rate in TRAINED:
        tools.torch_models.Margin.least = math.inf
        truth = losses(spec, size, rate, torch.float64)
        kinked = tools.torch_models.Margin.least < math.inf
        others = [losses(spec, size, rate, torch.float32), losses(spec, size, rate, torch.float64, "nudge/1"),
                  losses(spec, size, rate, torch.float64, "nudge/2")]
        spread, envelope = 0.0, []  # how far rounding alone has taken a run from the truth by each step
        for step, loss in enumerate(truth):
            spread = max([spread] + [abs(run[step] - loss) for run in others])
            envelope.append(short(spread, 3))
        yield {"model": spec, "size": size, "rate": rate, "kinked": kinked, "losses": [short(v, 10) for v in truth], "spread": envelope}
        print(spec, truth[0], truth[DROP], truth[-1], "spread", envelope[0], envelope[DROP], envelope[-1], file=sys.stderr)


def cpu():
    with open("/proc/cpuinfo") as file:
        return next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    json.dump({"pytorch": torch.__version__, "cpu": cpu(), "images": IMAGES, "smoothing": SMOOTHING, "steps": STEPS,
               "drop": DROP, "batches": BATCHES, "batch_size": BATCH_SIZE, "passes": list(passes()),
               "trainings": list(trainings())}, sys.stdout, separators=(",", ":"))
    print()
