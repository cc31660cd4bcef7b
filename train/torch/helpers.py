# Ops over maps [B,H,W,C], whose axes are named in PyTorch's order for the call and back again: nothing is copied.
import torch
import torch.nn.functional as F


def first(x):
    return x.permute(0, 3, 1, 2)


def last(x):
    return x.permute(0, 2, 3, 1)


def conv2d(x, weight, bias, *, stride, padding):
    return last(F.conv2d(first(x), first(weight), bias, stride=stride, padding=padding))


def depthwise(x, weight, bias):
    height, width, channels = weight.shape
    kernel = weight.permute(2, 0, 1).unsqueeze(1)
    return last(F.conv2d(first(x), kernel, bias, padding=(height // 2, width // 2), groups=channels))


def max_pool(x, *, size, stride, padding):
    return last(F.max_pool2d(first(x), size, stride, padding))


def resize(x, *, size):
    return last(F.interpolate(first(x), size=size, mode="bilinear", align_corners=False))


def attention(q, k, v, mask, *, heads):
    batch, queries, channels = q.shape
    split = lambda x: x.reshape(batch, -1, heads, channels // heads).transpose(1, 2)
    scores = split(q) @ split(k).transpose(2, 3) * (channels // heads) ** -0.5
    if mask is not None:
        absent = (mask == 0)[:, None, None, :]
        # A row with nothing to attend to gives zeros.
        weights = torch.softmax(scores.masked_fill(absent, -1e30), -1).masked_fill(absent, 0)
    else:
        weights = torch.softmax(scores, -1)
    return (weights.to(v.dtype) @ split(v)).transpose(1, 2).reshape(batch, queries, channels)


def batch_norm(x, weight, bias, *, eps, slope):
    channels = x.shape[-1]
    flat = first(x) if x.dim() == 4 else x.reshape(-1, channels)
    y = F.batch_norm(flat, None, None, weight, bias, training=True, eps=eps)
    y = last(y) if x.dim() == 4 else y.reshape(x.shape)
    return F.relu(y) if slope == 0 else F.leaky_relu(y, slope)


# What batch_norm computes for itself: only running statistics are made of these, which have no gradient.
def batch_statistics(x):
    with torch.no_grad():
        variance, mean = torch.var_mean(x.float(), dim=tuple(range(x.dim() - 1)), unbiased=False)
    return torch.stack([mean, variance])
