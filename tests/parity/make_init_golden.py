"""Writes golden/torch_init.json: what PyTorch's random streams and the upstream constructors give.
    python3 tests/parity/make_init_golden.py > tests/parity/golden/torch_init.json
SPDX-License-Identifier: MIT
"""
import json
import math
import sys

import torch
import torch.nn as nn

import torch_models


def ends(tensor):
    """The first and the last three values, exactly, and two sums over all."""
    values = tensor.detach().flatten()
    shown = torch.cat((values[:3], values[-3:])) if values.numel() > 6 else values
    return {"values": [float(v).hex() for v in shown], "count": values.numel(), "sum": float(values.double().sum()),
            "squares": float((values.double() ** 2).sum())}


def drawn(seed, shape, fill):
    torch.manual_seed(seed)
    tensor = torch.zeros(shape)
    fill(tensor)
    return ends(tensor)


networks = []
for scheme, spec in (("prlz77-resnext", "resnext-11-4x8d:widen=1"), ("prlz77-resnext", "resnext-20-2x16d"),
                     ("bamos-densenet", "densenet-bc-16-12"), ("bamos-densenet", "densenet-13-10"),
                     ("wrn-pytorch", "wrn-16-1"), ("wrn-pytorch", "wrn-10-2")):
    for seed in (0, 7):
        torch.manual_seed(seed)
        state = torch_models.build(spec).named_state()
        networks.append({"model": spec, "scheme": scheme, "seed": seed,
                         "parameters": {k: ends(v) for k, v in state.items() if "running" not in k}})

init = nn.init
calls = [  # initializer of fanin, shape, the call
    ("uniform:a=-0.3,b=0.7", (5, 7), lambda t: init.uniform_(t, -0.3, 0.7)),
    ("normal:mean=1,std=0.02", (5, 7), lambda t: init.normal_(t, 1.0, 0.02)),
    ("normal:std=2", (3, 4), lambda t: init.normal_(t, 0.0, 2.0)),
    ("trunc_normal:std=0.5,a=-1,b=2", (30, 7), lambda t: init.trunc_normal_(t, 0.0, 0.5, -1.0, 2.0)),
    ("xavier_uniform:gain=2", (6, 5, 3, 3), lambda t: init.xavier_uniform_(t, 2.0)),
    ("xavier_normal", (6, 5, 3, 3), lambda t: init.xavier_normal_(t)),
    ("kaiming_uniform:a=0.2", (6, 5, 3, 3), lambda t: init.kaiming_uniform_(t, 0.2)),
    ("kaiming_uniform:mode=fan_out,nonlinearity=tanh", (6, 5), lambda t: init.kaiming_uniform_(t, 0, "fan_out", "tanh")),
    ("kaiming_normal:mode=fan_out,nonlinearity=relu", (6, 5, 3, 3),
     lambda t: init.kaiming_normal_(t, 0, "fan_out", "relu")),
    ("torch_default", (6, 5, 3, 3), lambda t: init.kaiming_uniform_(t, math.sqrt(5.0))),
    ("orthogonal:gain=1.5", (6, 5, 3, 3), lambda t: init.orthogonal_(t, 1.5)),
    ("orthogonal", (20, 7), lambda t: init.orthogonal_(t)),
    ("sparse:sparsity=0.3,std=0.1", (20, 7), lambda t: init.sparse_(t, 0.3, 0.1)),
    ("dirac:groups=2", (6, 3, 3, 3), lambda t: init.dirac_(t, 2)),
    ("eye", (4, 6), lambda t: init.eye_(t)),
]
initializers = [{"initializer": spec, "shape": shape, "seed": 3, **drawn(3, shape, fill)} for spec, shape, fill in calls]
json.dump({"pytorch": torch.__version__, "networks": networks, "initializers": initializers}, sys.stdout, separators=(",", ":"))
print()
