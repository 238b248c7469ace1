"""The networks of fanin's catalogue in PyTorch, written independently of it, with the parameter names, construction order
and initialization order of the upstream codes. `build(spec)` takes the same spec as `fanin`.
SPDX-License-Identifier: MIT
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Wrn(nn.Module):
    """szagoruyko/wide-residual-networks, pytorch/resnet.py: a dictionary of tensors, drawn in the dictionary's order."""

    def __init__(self, depth, widen, classes=10):
        super().__init__()
        self.blocks = (depth - 4) // 6
        widths = [16, 16 * widen, 32 * widen, 64 * widen]
        self.params, self.stats = {}, {}
        self.conv("conv0.weight", 3, 16, 3)
        for g in range(3):
            for b in range(self.blocks):
                base, inputs = f"group{g}.block{b}.", widths[g] if b == 0 else widths[g + 1]
                self.conv(base + "conv0.weight", inputs, widths[g + 1], 3)
                self.conv(base + "conv1.weight", widths[g + 1], widths[g + 1], 3)
                self.norm(base + "bn0", inputs)
                self.norm(base + "bn1", widths[g + 1])
                if inputs != widths[g + 1]:
                    self.conv(base + "convdim.weight", inputs, widths[g + 1], 1)
        self.norm("bn", widths[3])
        self.params["fc.weight"] = nn.init.kaiming_normal_(torch.empty(classes, widths[3]))
        self.params["fc.bias"] = torch.zeros(classes)

    def conv(self, name, inputs, outputs, k):
        self.params[name] = nn.init.kaiming_normal_(torch.empty(outputs, inputs, k, k))

    def norm(self, name, n):
        self.params[name + ".weight"], self.params[name + ".bias"] = torch.rand(n), torch.zeros(n)
        self.stats[name + ".running_mean"], self.stats[name + ".running_var"] = torch.zeros(n), torch.ones(n)

    def bn_relu(self, x, name):
        p, s = self.params, self.stats
        return F.relu(F.batch_norm(x, s[name + ".running_mean"], s[name + ".running_var"], p[name + ".weight"],
                                   p[name + ".bias"], self.training))

    def forward(self, x):
        p = self.params
        x = F.conv2d(x, p["conv0.weight"], padding=1)
        for g in range(3):
            for b in range(self.blocks):
                base, stride = f"group{g}.block{b}.", 2 if g > 0 and b == 0 else 1
                a = self.bn_relu(x, base + "bn0")
                y = F.conv2d(a, p[base + "conv0.weight"], stride=stride, padding=1)
                y = F.conv2d(self.bn_relu(y, base + "bn1"), p[base + "conv1.weight"], padding=1)
                x = y + (F.conv2d(a, p[base + "convdim.weight"], stride=stride) if base + "convdim.weight" in p else x)
        x = self.bn_relu(x, "bn").mean((2, 3))
        return F.linear(x, p["fc.weight"], p["fc.bias"])

    def named_state(self):
        return {**self.params, **self.stats}


class Module(nn.Module):
    def named_state(self):
        return {k: v for k, v in self.state_dict(keep_vars=True).items() if not k.endswith("num_batches_tracked")}


def conv(inputs, outputs, k, stride=1, groups=1, bias=False, padding=None):
    return nn.Conv2d(inputs, outputs, k, stride, (k - 1) // 2 if padding is None else padding, groups=groups, bias=bias)


class ResnextBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, cardinality, width, widen):
        super().__init__()
        inner = cardinality * int(width * outputs / (widen * 64.0))
        self.conv_reduce, self.bn_reduce = conv(inputs, inner, 1), nn.BatchNorm2d(inner)
        self.conv_conv, self.bn = conv(inner, inner, 3, stride, cardinality), nn.BatchNorm2d(inner)
        self.conv_expand, self.bn_expand = conv(inner, outputs, 1), nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if inputs != outputs:
            self.shortcut.add_module("shortcut_conv", conv(inputs, outputs, 1, stride))
            self.shortcut.add_module("shortcut_bn", nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn_reduce(self.conv_reduce(x)))
        y = self.bn_expand(self.conv_expand(F.relu(self.bn(self.conv_conv(y)))))
        return F.relu(self.shortcut(x) + y)


class Resnext(Module):
    """prlz77/ResNeXt.pytorch, models/model.py."""

    def __init__(self, depth, cardinality, width, widen=4, classes=10):
        super().__init__()
        self.conv_1_3x3, self.bn_1 = conv(3, 64, 3), nn.BatchNorm2d(64)
        channels = [64, 64 * widen, 128 * widen, 256 * widen]
        for s in (1, 2, 3):
            stage = nn.Sequential()
            for b in range((depth - 2) // 9):
                stage.add_module(f"stage_{s}_bottleneck_{b}", ResnextBlock(
                    channels[s - 1] if b == 0 else channels[s], channels[s], 2 if s > 1 and b == 0 else 1, cardinality,
                    width, widen))
            setattr(self, f"stage_{s}", stage)
        self.classifier = nn.Linear(channels[3], classes)
        nn.init.kaiming_normal_(self.classifier.weight)
        for key, value in self.state_dict().items():
            last = key.split(".")[-1]
            if last == "weight" and "conv" in key:
                nn.init.kaiming_normal_(value, mode="fan_out")
            elif last == "weight" and "bn" in key:
                value.fill_(1)
            elif last == "bias":
                value.fill_(0)

    def forward(self, x):
        x = F.relu(self.bn_1(self.conv_1_3x3(x)))
        return self.classifier(self.stage_3(self.stage_2(self.stage_1(x))).mean((2, 3)))


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth, bottleneck):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        if bottleneck:
            self.conv1, self.bn2 = conv(inputs, 4 * growth, 1), nn.BatchNorm2d(4 * growth)
            self.conv2 = conv(4 * growth, growth, 3)
        else:
            self.conv1 = conv(inputs, growth, 3)
        self.bottleneck = bottleneck

    def forward(self, x):
        y = self.conv1(F.relu(self.bn1(x)))
        if self.bottleneck:
            y = self.conv2(F.relu(self.bn2(y)))
        return torch.cat((x, y), 1)


class Transition(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, 1)

    def forward(self, x):
        return F.avg_pool2d(self.conv1(F.relu(self.bn1(x))), 2)


class Densenet(Module):
    """bamos/densenet.pytorch, densenet.py."""

    def __init__(self, depth, growth, bottleneck, reduction, classes=10):
        super().__init__()
        layers, channels = (depth - 4) // (6 if bottleneck else 3), 2 * growth
        self.conv1 = conv(3, channels, 3)
        for b in (1, 2, 3):
            block = nn.Sequential(*[DenseLayer(channels + i * growth, growth, bottleneck) for i in range(layers)])
            setattr(self, f"dense{b}", block)
            channels += layers * growth
            if b < 3:
                setattr(self, f"trans{b}", Transition(channels, math.floor(channels * reduction)))
                channels = math.floor(channels * reduction)
        self.bn1, self.fc = nn.BatchNorm2d(channels), nn.Linear(channels, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                m.weight.data.normal_(0, math.sqrt(2.0 / (m.kernel_size[0] * m.kernel_size[1] * m.out_channels)))
            elif isinstance(m, nn.BatchNorm2d):
                m.weight.data.fill_(1)
                m.bias.data.zero_()
            elif isinstance(m, nn.Linear):
                m.bias.data.zero_()

    def forward(self, x):
        x = self.trans2(self.dense2(self.trans1(self.dense1(self.conv1(x)))))
        return self.fc(F.relu(self.bn1(self.dense3(x))).mean((2, 3)))


def build(spec, classes=10):
    name, _, text = spec.partition(":")
    options = dict(part.split("=") for part in text.split(",") if part)
    parts = name.split("-")
    if parts[0] == "wrn":
        return Wrn(int(parts[1]), int(parts[2]), classes)
    if parts[0] == "resnext":
        cardinality, width = parts[2].rstrip("d").split("x")
        return Resnext(int(parts[1]), int(cardinality), int(width), int(options.get("widen", 4)), classes)
    if parts[:2] == ["densenet", "bc"]:
        return Densenet(int(parts[2]), int(parts[3]), True, float(options.get("reduction", 0.5)), classes)
    if parts[0] == "densenet":
        return Densenet(int(parts[1]), int(parts[2]), False, float(options.get("reduction", 1.0)), classes)
    raise SystemExit(f"no PyTorch twin of {spec}")
