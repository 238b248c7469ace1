"""What the scripts here share: safetensors files, weights and images by formula, and one pass through a twin.
SPDX-License-Identifier: MIT
"""
import ctypes
import json
import math
import struct

import torch
import torch.nn.functional as F

import torch_models

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


# --- safetensors: the length of a JSON header, the header, the data

def write_safetensors(path, tensors):
    header, pieces, position = {}, [], 0
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous()
        data = ctypes.string_at(tensor.data_ptr(), tensor.numel() * tensor.element_size())  # numpy need not be there
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [position, position + len(data)]}
        position += len(data)
        pieces.append(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(pieces))


def read_safetensors(path):
    with open(path, "rb") as file:
        content = file.read()
    length, = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        flat = torch.frombuffer(bytearray(content[begin:end]), dtype=DTYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


# --- numbers by formula, the same bits in tests/models/parity_formula.h

MASK = (1 << 64) - 1


def signed(word):
    return word - (1 << 64) if word >> 63 else word


def word_of(name):
    """FNV-1a."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 & MASK
    return h


def uniform(name, count):
    """Multiples of 2^-24 in [0, 1): the upper bits of SplitMix64 from the state word_of(name)."""
    z = torch.arange(1, count + 1, dtype=torch.int64) * signed(0x9E3779B97F4A7C15) + signed(word_of(name))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> shift & (1 << 64 - shift) - 1)) * signed(factor)
    z = z ^ (z >> 31 & (1 << 33) - 1)
    return (z >> 40 & (1 << 24) - 1).double() / (1 << 24)


def weight(name, shape):
    """He's variance for weights; scales in [0.5, 1.5), shifts and biases in [-0.25, 0.25), running means in
    [-0.25, 0.25) and variances in [1, 3): nothing is at its default, so that nothing can be forgotten unseen."""
    u = uniform(name, math.prod(shape))
    if len(shape) > 1:
        values = math.sqrt(6.0 / math.prod(shape[1:])) * (2.0 * u - 1.0)
    elif name.endswith("running_var"):
        values = 1.0 + 2.0 * u
    elif name.endswith(".weight"):
        values = 0.5 + u
    else:
        values = 0.5 * (u - 0.5)
    return values.float().reshape(shape)


def batch(key, images, size, classes):
    """Images with mean 0 and variance 1 (1.75 is nearly the root of 3), and labels."""
    pixels = 1.75 * (2.0 * uniform(f"images/{key}", images * 3 * size * size) - 1.0)
    labels = (uniform(f"labels/{key}", images) * classes).long()
    return pixels.float().reshape(images, 3, size, size), labels


# --- a pass through a twin

def twin(spec, size, dtype, state=None):
    """The twin with weights by formula, or those of `state`."""
    model = torch_models.build(spec, size)
    model.spec = spec
    with torch.no_grad():
        for name, tensor in model.named_state().items():
            tensor.data = (weight(name, tuple(tensor.shape)) if state is None else state[name]).to(dtype).clone()
            tensor.requires_grad_("running_" not in name)
    return model


def classes_of(spec):
    return [t for t in torch_models.build(spec).named_state().values() if t.dim() == 2][-1].shape[0]


def loss_of(model, images, labels, smoothing=0.0):
    dtype = next(iter(model.named_state().values())).dtype
    logits = model(images.to(dtype))
    return F.cross_entropy(logits, labels, label_smoothing=smoothing), logits


def one_pass(model, images, labels, training, smoothing=0.0):
    """loss, logits, grad.NAME and the running statistics, named as `fanin grad` does, in float64; and the distance to
    the nearest kink (torch_models.Margin)."""
    model.train(training)
    torch_models.Margin.least = math.inf
    loss, logits = loss_of(model, images, labels, smoothing)
    loss.backward()
    result = {"loss": loss, "logits": logits}
    for name, tensor in model.named_state().items():
        result[name if "running_" in name else "grad." + name] = tensor if "running_" in name else tensor.grad
    return {name: tensor.detach().double() for name, tensor in result.items()}, torch_models.Margin.least


def clear_batch(spec, images, size, classes, draws=8):
    """The key of that one of the first `draws` batches whose float64 passes stay farthest from every kink. Where an
    argument of relu is nearer to 0 than rounding, a correct float32 program may take the other slope, and the gradient
    jumps by one term: the comparison would measure luck. The choice looks at PyTorch in float64 alone."""
    best, best_margin = None, -1.0
    for key in range(draws):
        x, labels = batch(key, images, size, classes)
        margins = []
        for training in (True, False):
            model = twin(spec, size, torch.float64)
            model.train(training)
            torch_models.Margin.least = math.inf
            with torch.no_grad():
                loss_of(model, x, labels)
            margins.append(torch_models.Margin.least)
        if min(margins) > best_margin:
            best, best_margin = key, min(margins)
    return best, best_margin


def scales(truth):
    """What a deviation of each tensor is measured against: its largest value. A bias in front of BatchNorm has the
    gradient 0 exactly, in the form of a sum that cancels: it is measured against the gradient of its layer's weight."""
    result = {name: float(tensor.abs().max()) for name, tensor in truth.items()}
    for name in truth:
        partner = name[:-len("bias")] + "weight"
        if name.startswith("grad.") and name.endswith(".bias") and result[name] < 1e-9 * result.get(partner, 0.0):
            result[name] = result[partner]
    return result


def worst(result, truth):
    """The largest deviation over all tensors, as a share of scales(), and its tensor."""
    if set(result) != set(truth):
        raise SystemExit(f"other tensors: {sorted(set(result) ^ set(truth))}")
    scale = scales(truth)
    shares = {}
    for name, tensor in truth.items():
        if tuple(result[name].shape) != tuple(tensor.shape):
            raise SystemExit(f"{name}: shape {tuple(result[name].shape)} instead of {tuple(tensor.shape)}")
        difference = float((result[name].double() - tensor).abs().max())
        share = difference / scale[name] if scale[name] > 0.0 else (math.inf if difference > 0.0 else 0.0)
        shares[name] = share if math.isfinite(share) else math.inf
    name = max(shares, key=shares.get)
    return shares[name], name
