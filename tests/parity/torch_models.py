"""The networks of fanin's catalogue in PyTorch, written independently of it. WRN, ResNeXt and DenseNet have the parameter
names, construction order and initialization order of the upstream codes; the others have fanin's names, and weights that
the caller must fill. `build(spec)` takes the same spec as `fanin`.
SPDX-License-Identifier: MIT
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


ACTIVATIONS = {
    "identity": lambda x: x, "relu": F.relu, "leaky_relu": F.leaky_relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid,
    "softsign": F.softsign, "softplus": F.softplus, "elu": F.elu, "selu": F.selu, "gelu": F.gelu, "silu": F.silu}
KINKED = ("relu", "leaky_relu", "selu")  # whose slope jumps at 0


class Margin:
    """How near a forward pass came to a point where the slope jumps: an activation's argument to 0, the two largest
    values of a max-pooling window to each other. Nearer than rounding, two correct programs may disagree."""
    least = math.inf
    wanted = True  # False where time is measured: it takes a pass over every such value

    @classmethod
    def note(cls, distances):
        if distances.numel():
            cls.least = min(cls.least, float(distances.detach().abs().min()))


def activate(x, kind):
    if Margin.wanted and kind in KINKED:
        Margin.note(x)
    return ACTIVATIONS[kind](x)


def max_pool(x, k, stride, ceil=False):
    y = F.max_pool2d(x, k, stride, ceil_mode=ceil)
    if not Margin.wanted:
        return y
    with torch.no_grad():  # pixels that do not exist are -inf, and ties of zeros that relu left pass nothing back
        h, w = (y.shape[2] - 1) * stride + k - x.shape[2], (y.shape[3] - 1) * stride + k - x.shape[3]
        windows = F.pad(x, (0, max(w, 0), 0, max(h, 0)), value=-math.inf).unfold(2, k, stride).unfold(3, k, stride)
        top = windows.flatten(4).topk(2, -1).values
        Margin.note((top[..., 0] - top[..., 1])[(top != 0).any(-1)])
    return y


class Options:
    """What every network can switch: classes, act, norm."""

    def __init__(self, options, norm="bn"):
        self.classes, self.act = int(options.get("classes", 10)), options.get("act", "relu")
        self.norm = options.get("norm", norm) == "bn"

    def batch_norm(self, channels, eps=1e-5):
        return nn.BatchNorm2d(channels, eps) if self.norm else nn.Identity()

    def activated(self, x):
        return activate(x, self.act)


class Wrn(nn.Module):
    """szagoruyko/wide-residual-networks, pytorch/resnet.py: a dictionary of tensors, drawn in the dictionary's order."""

    def __init__(self, depth, widen, options):
        super().__init__()
        self.options = options
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
        self.params["fc.weight"] = nn.init.kaiming_normal_(torch.empty(options.classes, widths[3]))
        self.params["fc.bias"] = torch.zeros(options.classes)

    def conv(self, name, inputs, outputs, k):
        self.params[name] = nn.init.kaiming_normal_(torch.empty(outputs, inputs, k, k))

    def norm(self, name, n):
        if not self.options.norm:
            return
        self.params[name + ".weight"], self.params[name + ".bias"] = torch.rand(n), torch.zeros(n)
        self.stats[name + ".running_mean"], self.stats[name + ".running_var"] = torch.zeros(n), torch.ones(n)

    def bn_relu(self, x, name):
        p, s = self.params, self.stats
        if self.options.norm:
            x = F.batch_norm(x, s[name + ".running_mean"], s[name + ".running_var"], p[name + ".weight"],
                             p[name + ".bias"], self.training)
        return self.options.activated(x)

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


def shortcut_kind(kind, inputs, outputs, stride):
    """"convolution", "padding" or "identity" (He et al. 2016, section 3.3, types A, B and C)."""
    if kind == "C" or (kind == "B" and (inputs != outputs or stride != 1)):
        return "convolution"
    return "padding" if inputs != outputs or stride != 1 else "identity"


class ZeroPadding(nn.Module):
    """Every stride-th pixel, with zero channels appended (type A)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.channels, self.stride = outputs - inputs, stride

    def forward(self, x):
        return F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, 0, self.channels))


class ResnextBranch(nn.Module):
    """Up to the expansion: the whole block's in form C (groups = cardinality), one branch of it in form B."""

    def __init__(self, inputs, inner, stride, groups, o):
        super().__init__()
        self.o = o
        self.conv_reduce, self.bn_reduce = conv(inputs, inner, 1), o.batch_norm(inner)
        self.conv_conv, self.bn = conv(inner, inner, 3, stride, groups), o.batch_norm(inner)

    def forward(self, x):
        y = self.o.activated(self.bn_reduce(self.conv_reduce(x)))
        return self.o.activated(self.bn(self.conv_conv(y)))


class ResnextBlock(ResnextBranch):
    def __init__(self, inputs, outputs, stride, cardinality, width, widen, split, shortcut, o):
        inner = int(width * outputs / (widen * 64.0))
        if split:
            nn.Module.__init__(self)
            self.o = o
            for i in range(cardinality):
                setattr(self, f"branch_{i}", ResnextBranch(inputs, inner, stride, 1, o))
        else:
            super().__init__(inputs, inner * cardinality, stride, cardinality, o)
        self.branches = cardinality if split else 0
        self.conv_expand, self.bn_expand = conv(inner * cardinality, outputs, 1), o.batch_norm(outputs)
        self.shortcut = nn.Sequential()
        kind = shortcut_kind(shortcut, inputs, outputs, stride)
        if kind == "convolution":
            self.shortcut.add_module("shortcut_conv", conv(inputs, outputs, 1, stride))
            self.shortcut.add_module("shortcut_bn", o.batch_norm(outputs))
        elif kind == "padding":
            self.shortcut.add_module("padding", ZeroPadding(inputs, outputs, stride))

    def forward(self, x):
        if self.branches:
            y = torch.cat([getattr(self, f"branch_{i}")(x) for i in range(self.branches)], 1)
        else:
            y = super().forward(x)
        return self.o.activated(self.shortcut(x) + self.bn_expand(self.conv_expand(y)))


class Resnext(Module):
    """prlz77/ResNeXt.pytorch, models/model.py; form B is figure 3(b) of Xie et al. 2017."""

    def __init__(self, depth, cardinality, width, widen, split, shortcut, o):
        super().__init__()
        self.o = o
        self.conv_1_3x3, self.bn_1 = conv(3, 64, 3), o.batch_norm(64)
        channels = [64, 64 * widen, 128 * widen, 256 * widen]
        for s in (1, 2, 3):
            stage = nn.Sequential()
            for b in range((depth - 2) // 9):
                stage.add_module(f"stage_{s}_bottleneck_{b}", ResnextBlock(
                    channels[s - 1] if b == 0 else channels[s], channels[s], 2 if s > 1 and b == 0 else 1, cardinality,
                    width, widen, split, shortcut, o))
            setattr(self, f"stage_{s}", stage)
        self.classifier = nn.Linear(channels[3], o.classes)
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
        x = self.o.activated(self.bn_1(self.conv_1_3x3(x)))
        return self.classifier(self.stage_3(self.stage_2(self.stage_1(x))).mean((2, 3)))


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth, bottleneck, o):
        super().__init__()
        self.o = o
        self.bn1 = o.batch_norm(inputs)
        if bottleneck:
            self.conv1, self.bn2 = conv(inputs, 4 * growth, 1), o.batch_norm(4 * growth)
            self.conv2 = conv(4 * growth, growth, 3)
        else:
            self.conv1 = conv(inputs, growth, 3)
        self.bottleneck = bottleneck

    def forward(self, x):
        y = self.conv1(self.o.activated(self.bn1(x)))
        if self.bottleneck:
            y = self.conv2(self.o.activated(self.bn2(y)))
        return torch.cat((x, y), 1)


class Transition(nn.Module):
    def __init__(self, inputs, outputs, o):
        super().__init__()
        self.o = o
        self.bn1, self.conv1 = o.batch_norm(inputs), conv(inputs, outputs, 1)

    def forward(self, x):
        return F.avg_pool2d(self.conv1(self.o.activated(self.bn1(x))), 2)


class Densenet(Module):
    """bamos/densenet.pytorch, densenet.py."""

    def __init__(self, depth, growth, bottleneck, reduction, o):
        super().__init__()
        self.o = o
        layers, channels = (depth - 4) // (6 if bottleneck else 3), 2 * growth
        self.conv1 = conv(3, channels, 3)
        for b in (1, 2, 3):
            block = nn.Sequential(*[DenseLayer(channels + i * growth, growth, bottleneck, o) for i in range(layers)])
            setattr(self, f"dense{b}", block)
            channels += layers * growth
            if b < 3:
                setattr(self, f"trans{b}", Transition(channels, math.floor(channels * reduction), o))
                channels = math.floor(channels * reduction)
        self.bn1, self.fc = o.batch_norm(channels), nn.Linear(channels, o.classes)
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
        return self.fc(self.o.activated(self.bn1(self.dense3(x))).mean((2, 3)))


class ResnetBlock(nn.Module):
    """He et al. 2016, "Deep residual learning": conv, norm, activation; the last activation after the sum."""

    def __init__(self, inputs, width, stride, bottleneck, shortcut, o):
        super().__init__()
        self.o, self.outputs = o, 4 * width if bottleneck else width
        if bottleneck:
            layers = [conv(inputs, width, 1), conv(width, width, 3, stride), conv(width, self.outputs, 1)]
        else:
            layers = [conv(inputs, width, 3, stride), conv(width, width, 3)]
        for i, layer in enumerate(layers, 1):
            setattr(self, f"conv{i}", layer)
            setattr(self, f"bn{i}", o.batch_norm(layer.out_channels))
        self.depth, kind = len(layers), shortcut_kind(shortcut, inputs, self.outputs, stride)
        self.downsample = nn.Sequential()
        if kind == "convolution":
            self.downsample = nn.Sequential(conv(inputs, self.outputs, 1, stride), o.batch_norm(self.outputs))
        elif kind == "padding":
            self.downsample = ZeroPadding(inputs, self.outputs, stride)

    def forward(self, x):
        y = x
        for i in range(1, self.depth + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            if i < self.depth:
                y = self.o.activated(y)
        return self.o.activated(y + self.downsample(x))


class PreresnetBlock(nn.Module):
    """He et al. 2016, "Identity mappings" (resnet-1k-layers): norm, activation, conv; a convolved shortcut begins after
    the first activation, and the first convolution strides."""

    def __init__(self, inputs, width, stride, bottleneck, o):
        super().__init__()
        self.o, self.outputs = o, 4 * width if bottleneck else width
        if bottleneck:
            layers = [conv(inputs, width, 1, stride), conv(width, width, 3), conv(width, self.outputs, 1)]
        else:
            layers = [conv(inputs, width, 3, stride), conv(width, width, 3)]
        for i, layer in enumerate(layers, 1):
            setattr(self, f"conv{i}", layer)
            setattr(self, f"bn{i}", o.batch_norm(layer.in_channels))
        self.depth = len(layers)
        if inputs != self.outputs or stride != 1:
            self.shortcut = conv(inputs, self.outputs, 1, stride)

    def forward(self, x):
        a = self.o.activated(self.bn1(x))
        y = self.conv1(a)
        for i in range(2, self.depth + 1):
            y = getattr(self, f"conv{i}")(self.o.activated(getattr(self, f"bn{i}")(y)))
        return y + (self.shortcut(a) if hasattr(self, "shortcut") else x)


def stages(module, make, depth, bottleneck, width):
    """layer1 to layer3 of a residual network; returns the channels at the end."""
    inputs = width
    for s in range(3):
        stage = nn.Sequential()
        for b in range((depth - 2) // (9 if bottleneck else 6)):
            stage.append(make(inputs, width << s, 2 if s > 0 and b == 0 else 1))
            inputs = stage[-1].outputs
        setattr(module, f"layer{s + 1}", stage)
    return inputs


class Resnet(Module):
    def __init__(self, depth, bottleneck, width, shortcut, o):
        super().__init__()
        self.o = o
        self.conv1, self.bn1 = conv(3, width, 3), o.batch_norm(width)
        make = lambda inputs, w, stride: ResnetBlock(inputs, w, stride, bottleneck, shortcut, o)
        self.fc = nn.Linear(stages(self, make, depth, bottleneck, width), o.classes)

    def forward(self, x):
        x = self.o.activated(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class Preresnet(Module):
    def __init__(self, depth, bottleneck, width, o):
        super().__init__()
        self.o, self.conv1 = o, conv(3, width, 3)
        make = lambda inputs, w, stride: PreresnetBlock(inputs, w, stride, bottleneck, o)
        channels = stages(self, make, depth, bottleneck, width)
        self.bn, self.fc = o.batch_norm(channels), nn.Linear(channels, o.classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        return self.fc(self.o.activated(self.bn(x)).mean((2, 3)))


class Units(Module):
    """conv{i}, bn{i} and the activation, one after the other, with pools between: what VGG, NIN, FitNet-4 and the plain
    networks are. `pools` has the pool before unit i; `tail` is what follows the last unit."""

    def __init__(self, units, pools, o, eps=1e-5):
        super().__init__()
        self.o, self.count, self.pools, inputs = o, len(units), pools, 3
        for i, (outputs, k, stride, bias) in enumerate(units):
            setattr(self, f"conv{i}", conv(inputs, outputs, k, stride, bias=bias))
            setattr(self, f"bn{i}", o.batch_norm(outputs, eps))
            inputs = outputs
        self.channels = inputs

    def features(self, x):
        for i in range(self.count):
            x = self.pools[i](x) if i in self.pools else x
            x = self.o.activated(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
        return x

    def forward(self, x):
        return self.fc(self.features(x).mean((2, 3)))


def vgg(depth, o):
    """Simonyan & Zisserman 2015 with BatchNorm of epsilon 1e-3, as in the WRN repository: its pools are ceiled."""
    groups = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}[depth]
    units, pools = [], {}
    for g, (count, channels) in enumerate(zip(groups, (64, 128, 256, 512, 512))):
        if g > 0:
            pools[len(units)] = lambda x: max_pool(x, 2, 2, ceil=True)
        units += [(channels, 3, 1, not o.norm)] * count
    return with_classifier(Units(units, pools, o, 1e-3))


def nin(o):
    """Lin et al. 2014 with BatchNorm; all convolutions have biases."""
    units = []
    for k, channels in ((5, (192, 160, 96)), (5, (192, 192, 192)), (3, (192, 192, 192))):
        units += [(c, k if i == 0 else 1, 1, True) for i, c in enumerate(channels)]
    pools = {3: lambda x: max_pool(x, 3, 2, ceil=True), 6: lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True)}
    return with_classifier(Units(units, pools, o))


def plain(depth, width, o):
    """depth - 1 convolutions in three stages; the first of stages two and three strides."""
    stage = [3 * i // (depth - 1) for i in range(depth - 1)]
    units = [(width << s, 3, 2 if i > 0 and s != stage[i - 1] else 1, not o.norm) for i, s in enumerate(stage)]
    return with_classifier(Units(units, {}, o))


def with_classifier(units):
    units.fc = nn.Linear(units.channels, units.o.classes)
    return units


class Fitnet4(Units):
    """Romero et al. 2015, as trained by Mishkin & Matas 2016 (with ReLU)."""

    def __init__(self, o):
        pools = {5: lambda x: max_pool(x, 2, 2), 11: lambda x: max_pool(x, 2, 2)}
        super().__init__([(c, 3, 1, not o.norm) for c in [32] * 3 + [48] * 2 + [80] * 6 + [128] * 6], pools, o)
        self.fc0 = nn.Linear(128, 500, bias=not o.norm)
        self.bn_fc0 = nn.BatchNorm1d(500) if o.norm else nn.Identity()
        self.fc1 = nn.Linear(500, o.classes)

    def forward(self, x):
        x = self.features(x)
        x = max_pool(x, x.shape[2], x.shape[2]).flatten(1)
        return self.fc1(self.o.activated(self.bn_fc0(self.fc0(x))))


class Mlp(Module):
    """`depth` hidden layers; pixels in the order row, column, channel."""

    def __init__(self, depth, width, size, o):
        super().__init__()
        self.o, self.depth = o, depth
        for i in range(depth):
            setattr(self, f"fc{i}", nn.Linear(3 * size * size if i == 0 else width, width, bias=not o.norm))
            setattr(self, f"bn{i}", nn.BatchNorm1d(width) if o.norm else nn.Identity())
        self.fc = nn.Linear(width, o.classes)

    def forward(self, x):
        x = x.permute(0, 2, 3, 1).flatten(1)
        for i in range(self.depth):
            x = self.o.activated(getattr(self, f"bn{i}")(getattr(self, f"fc{i}")(x)))
        return self.fc(x)


def build(spec, size=32):
    """The twin of `spec`, without dropout, for images of size x size pixels."""
    name, _, text = spec.partition(":")
    options = dict(part.split("=") for part in text.split(",") if part)
    parts = name.split("-")
    family, numbers = parts[0], [int(p) for p in parts[1:] if p.isdigit()]
    o = Options(options, "none" if family in ("fitnet4", "plain", "mlp") else "bn")
    bottleneck = options.get("block", "bottleneck" if family == "preresnet" else "basic") == "bottleneck"
    if family == "wrn":
        return Wrn(*numbers, o)
    if family == "resnext":
        cardinality, width = parts[2].rstrip("d").split("x")
        return Resnext(numbers[0], int(cardinality), int(width), int(options.get("widen", 4)),
                       options.get("form", "C") == "B", options.get("shortcut", "B"), o)
    if family == "densenet":
        compressed = parts[1] == "bc"
        return Densenet(*numbers, compressed, float(options.get("reduction", 0.5 if compressed else 1.0)), o)
    if family == "resnet":
        shortcut = options.get("shortcut", "B" if bottleneck else "A")
        return Resnet(numbers[0], bottleneck, int(options.get("width", 16)), shortcut, o)
    if family == "preresnet":
        return Preresnet(numbers[0], bottleneck, int(options.get("width", 16)), o)
    if family == "vgg":
        return vgg(numbers[0], o)
    if family == "nin":
        return nin(o)
    if family == "fitnet4":
        return Fitnet4(o)
    if family == "plain":
        return plain(*numbers, o)
    if family == "mlp":
        return Mlp(*numbers, size, o)
    raise SystemExit(f"no PyTorch twin of {spec}")
