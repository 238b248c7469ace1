"""Writes golden/torch_optim.json: one weight through torch.optim in float64, and the rates of torch's schedulers.
    python3 tests/parity/make_optim_golden.py > tests/parity/golden/torch_optim.json
SPDX-License-Identifier: MIT
"""
import json
import math
import sys

import torch
from torch.optim import lr_scheduler

STEPS, EPOCHS, BATCHES = 40, 6, 7


def trajectory(make, clip=0.0):
    """w after each step, from 0.7, under the gradients sin(step + 1) (times 3 with clipping, to clip at times)."""
    w = torch.nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    optimizer, values = make([w]), []
    for step in range(STEPS):
        w.grad = torch.tensor([math.sin(step + 1.0) * (3.0 if clip else 1.0)], dtype=torch.float64)
        if clip:
            torch.nn.utils.clip_grad_norm_([w], clip)
        optimizer.step()
        values.append(float(w))
    return values


def rates(make, per_step):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler, values = make(optimizer), []
    for _ in range(EPOCHS):
        for _ in range(BATCHES):
            values.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if per_step and len(values) < EPOCHS * BATCHES:
                scheduler.step()
        if not per_step:
            scheduler.step()
    return values


optim, total = torch.optim, EPOCHS * BATCHES
sgd = [dict(momentum=0.9, nesterov=True, weight_decay=0.01), dict(momentum=0.9, nesterov=False, weight_decay=0.01),
       dict(momentum=0.8, dampening=0.5, nesterov=False, weight_decay=0.0)]
optimizers = [{"kind": "sgd", **o, "values": trajectory(lambda p, o=o: optim.SGD(p, lr=0.05, **o))} for o in sgd]
optimizers.append({"kind": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.0, "clip_norm": 1.5,
                   "values": trajectory(lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True), 1.5)})
optimizers.append({"kind": "adam", "weight_decay": 0.01,
                   "values": trajectory(lambda p: optim.Adam(p, lr=0.05, weight_decay=0.01))})
optimizers.append({"kind": "adamw", "weight_decay": 0.01,
                   "values": trajectory(lambda p: optim.AdamW(p, lr=0.05, weight_decay=0.01))})
schedules = [
    {"kind": "step", "step_epochs": 2, "factor": 0.3,
     "values": rates(lambda o: lr_scheduler.StepLR(o, 2, 0.3), False)},
    {"kind": "multistep", "milestones": [2, 3, 5], "factor": 0.2,
     "values": rates(lambda o: lr_scheduler.MultiStepLR(o, [2, 3, 5], 0.2), False)},
    {"kind": "cosine", "final_factor": 0.0, "values": rates(lambda o: lr_scheduler.CosineAnnealingLR(o, total), True)},
    {"kind": "cosine", "final_factor": 0.1,
     "values": rates(lambda o: lr_scheduler.CosineAnnealingLR(o, total, 0.01), True)},
    {"kind": "onecycle", "final_factor": 4e-6, "rise": 0.3,
     "values": rates(lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=total), True)},
    {"kind": "onecycle", "final_factor": 0.0004, "rise": 0.45,
     "values": rates(lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=total, pct_start=0.45,
                                                       final_div_factor=100.0), True)},
]
json.dump({"pytorch": torch.__version__, "epochs": EPOCHS, "batches": BATCHES, "optimizers": optimizers,
           "schedules": schedules}, sys.stdout, separators=(",", ":"))
print()
