"""Layers in float64, each a function that returns its value and a function from the gradient of the value to those of
the arguments. Written from the formulas, with no code shared with the program under test.

Letters: N rows, C channels, I inputs, O outputs, H heads, D = C / H."""

import math

import numpy as np

EPSILON = 1e-5
_erf = np.vectorize(math.erf, otypes=[np.float64])


def layer_norm(x, gain, shift):
    """x: [N, C]; biased variance."""
    centered = x - x.mean(axis=1, keepdims=True)
    scale = 1.0 / np.sqrt((centered**2).mean(axis=1, keepdims=True) + EPSILON)
    normal = centered * scale

    def back(dy):
        d = dy * gain
        dx = scale * (d - d.mean(axis=1, keepdims=True) - normal * (d * normal).mean(axis=1, keepdims=True))
        return dx, (dy * normal).sum(axis=0), dy.sum(axis=0)

    return normal * gain + shift, back


def rms_norm(x, gain):
    """x: [N, G * W], gain: [W]; every W columns of a row are a vector of their own."""
    groups = x.reshape(-1, gain.size)
    scale = 1.0 / np.sqrt((groups**2).mean(axis=1, keepdims=True) + EPSILON)
    normal = groups * scale

    def back(dy):
        dy = dy.reshape(groups.shape)
        d = dy * gain
        dx = scale * (d - normal * (d * normal).mean(axis=1, keepdims=True))
        return dx.reshape(x.shape), (dy * normal).sum(axis=0)

    return (normal * gain).reshape(x.shape), back


def rope(x, positions, width, base):
    """x: [N, H * D] as complex numbers (channel j, channel j + D / 2), each times exp(i position base^(-2 j / D))."""
    half = width // 2
    turn = np.exp(1j * positions[:, None] * base ** (-2.0 * np.arange(half) / width))[:, None, :]  # [N, 1, D / 2]

    def turned(y, by):
        heads = y.reshape(len(y), -1, width)
        z = (heads[..., :half] + 1j * heads[..., half:]) * by
        return np.concatenate([z.real, z.imag], axis=2).reshape(y.shape)

    return turned(x, turn), lambda dy: turned(dy, turn.conj())


def silu(x):
    share = 1.0 / (1.0 + np.exp(-x))
    return x * share, lambda dy: dy * (share + x * share * (1.0 - share))


def linear(x, weight, bias):
    """x: [N, I], weight: [O, I], bias: [O]."""

    def back(dy):
        return dy @ weight, dy.T @ x, dy.sum(axis=0)

    return x @ weight.T + bias, back


def gelu(x):
    """x times the normal distribution function."""
    cumulative = 0.5 * (1.0 + _erf(x / math.sqrt(2.0)))
    density = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return x * cumulative, lambda dy: dy * (cumulative + x * density)


def relu(x):
    return np.maximum(x, 0.0), lambda dy: dy * (x > 0.0)


def sigmoid(x):
    value = 1.0 / (1.0 + np.exp(-x))
    return value, lambda dy: dy * value * (1.0 - value)


def attention(q, k, v, heads, visible):
    """q: [N, C], k, v: [M, C], visible: bool [N, M]; softmax over the visible keys of q k^T / sqrt(D), head by head."""
    width = q.shape[1] // heads
    out, backs = np.zeros_like(q), []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        value, back = _one_head(q[:, part], k[:, part], v[:, part], visible)
        out[:, part] = value
        backs.append((part, back))

    def back_all(dy):
        dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
        for part, back in backs:
            dq[:, part], dk[:, part], dv[:, part] = back(dy[:, part])
        return dq, dk, dv

    return out, back_all


def _one_head(q, k, v, visible):
    factor = 1.0 / math.sqrt(q.shape[1])
    scores = np.where(visible, q @ k.T * factor, -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)

    def back(dy):
        dweights = dy @ v.T
        dscores = weights * (dweights - (weights * dweights).sum(axis=1, keepdims=True)) * factor
        return dscores @ k, dscores.T @ q, weights.T @ dy

    return weights @ v, back
