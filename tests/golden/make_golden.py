"""Writes the golden files (files/): inputs, values and gradients of ops and blocks, from a float64 implementation
of our own (layers.py, blocks.py). The files are checked in; tests never run this. To make them anew (NumPy needed):

    python3 tests/golden/make_golden.py

A file is text. `#` starts a comment line. Every tensor is a line "name rank extents..." followed by lines of its values
in row-major order. Inputs are numbers that f32 holds exactly; results have 15 digits. In every file a loss is
L = sum(weight * out), and "grad.NAME" is dL / d NAME.

tsa_block.txt and mod_block.txt: sizes (B, T, C, H, F), h [B * T, C], the parameters under the model's names without
block and router numbers ("attention.query.weight" [O, I], "router.up.weight", ...), weight [B * T, C], out, and grad.*.
  tsa_block: gates [B * T] = 1 - p; "penalty.NAME" is the gradient of mean(gates) alone (of h and the router).
  mod_block: k [1], scores [B * T], rows [B * k] (chosen, over the flattened batch).
  modern_mod_block: the same in the modern family, with kv_heads [1] and rope_base [1].
The forms are those of blocks.py. No dropout.

Every gradient is compared here with central differences before it is written."""

import os

import numpy as np

import blocks
import layers

FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")


def exact(values):
    """Rounded to multiples of 2^-12, which f32 and a short decimal hold exactly."""
    return np.round(np.asarray(values) * 4096.0) / 4096.0


def single(value):
    """Rounded to f32."""
    return float(np.float32(value))


def uniform(rng, *shape, scale=1.0):
    return exact(rng.uniform(-scale, scale, shape))


def write(name, about, tensors):
    with open(os.path.join(FILES, name), "w", encoding="ascii") as out:
        out.write(f"# {about}; made by make_golden.py\n")
        for key, value in tensors.items():
            array = np.asarray(value)
            out.write(" ".join([key, str(array.ndim), *map(str, array.shape)]) + "\n")
            flat = array.reshape(-1)
            for begin in range(0, flat.size, 8):
                out.write(" ".join(f"{v:.15g}" for v in flat[begin : begin + 8]) + "\n")


def check(loss, inputs, grads):
    """Fourth-order differences in two random directions for every input; exits when one disagrees."""
    rng, step = np.random.default_rng(99), 3e-5
    for name, grad in grads.items():
        for _ in range(2):
            direction = rng.standard_normal(inputs[name].shape)
            ends = [loss({**inputs, name: inputs[name] + at * step * direction}) for at in (1, -1, 2, -2)]
            numeric = (8.0 * (ends[0] - ends[1]) - (ends[2] - ends[3])) / (12.0 * step)
            analytic = (grad * direction).sum()
            # truncation step^4 times a fifth derivative of order 1e4, rounding 1e-16 / step times sums of order 10
            if not abs(numeric - analytic) < 1e-8 * (1.0 + abs(analytic)):
                raise SystemExit(f"gradient of {name}: {analytic} by hand, {numeric} by differences")


def with_gradients(inputs, extra, grads, prefix="grad."):
    return {**inputs, **extra, **{prefix + name: value for name, value in grads.items()}}


def layer_norm_file(rng):
    inputs = {"x": uniform(rng, 5, 11, scale=2.0), "gain": uniform(rng, 11), "shift": uniform(rng, 11)}
    inputs["x"][3] = exact(inputs["x"][3] + 50.0)  # a mean that dwarfs the deviation
    weight = uniform(rng, 5, 11)
    out, back = layers.layer_norm(*inputs.values())
    grads = dict(zip(inputs, back(weight)))
    check(lambda at: (layers.layer_norm(at["x"], at["gain"], at["shift"])[0] * weight).sum(), inputs, grads)
    write("layer_norm.txt", "layer norm", with_gradients(inputs, {"weight": weight, "out": out}, grads))


def embedding_file(rng):
    table, ids, weight = uniform(rng, 6, 4), np.array([5, 0, 5, 2, 5, 1, 0]), uniform(rng, 7, 4)
    grad = np.zeros_like(table)
    for i, row in enumerate(ids):
        grad[row] += weight[i]
    check(lambda at: (at["table"][ids] * weight).sum(), {"table": table}, {"table": grad})
    extra = {"ids": ids, "weight": weight, "out": table[ids]}
    tensors = with_gradients({"table": table}, extra, {"table": grad})
    write("embedding.txt", "embedding with repeated and absent ids", tensors)


def top_k_file(rng):
    length, k = 9, 4
    scores = uniform(rng, 3 * length)
    scores[:length] = exact(np.round(scores[:length] * 2.0) / 2.0)  # ties, zeros of both signs among them
    scores[2 * length : 2 * length + 6] = [np.nan, np.inf, -np.inf, np.nan, -0.0, 0.0]
    scores[2 * length + 6 :] = -np.inf
    ranked = np.where(np.isnan(scores), -np.inf, scores)
    rows = []
    for begin in range(0, scores.size, length):
        order = sorted(range(length), key=lambda t: (np.isnan(scores[begin + t]), -ranked[begin + t], t))
        rows += sorted(begin + t for t in order[:k])
    tensors = {"scores": scores, "length": [length], "k": [k], "rows": rows}
    write("top_k.txt", "exactly k rows of every sequence", tensors)


def gates_file(rng):
    x, weight = exact(np.concatenate([uniform(rng, 16, scale=6.0), [0.0, -20.0, 20.0, 80.0, -80.0]])), uniform(rng, 21)
    value = 1.0 / (1.0 + np.exp(-x))
    opened = 1.0 / (1.0 + np.exp(x))
    grad = weight * value * opened
    check(lambda at: (weight / (1.0 + np.exp(-at["x"]))).sum(), {"x": x}, {"x": grad})
    tensors = {"x": x, "weight": weight, "sigmoid": value, "open": opened, "grad.sigmoid": grad, "grad.open": -grad}
    write("gates.txt", "sigmoid and 1 - sigmoid; gradients with respect to x", tensors)


def bce_file(rng):
    logits, rows = exact(np.concatenate([uniform(rng, 10, scale=4.0), [30.0, -30.0]])), np.array([0, 3, 4, 10, 11])
    target = np.zeros(12)
    target[rows] = 1.0
    factor = 0.25 / 64.0  # scale times unit

    def loss(at):
        x = at["logits"]
        return factor * (np.maximum(x, 0.0) - x * target + np.log1p(np.exp(-np.abs(x)))).sum()

    sign = 1.0 - 2.0 * target  # probability - target = sign * sigmoid(sign * logit), without cancellation
    grad = factor * sign / (1.0 + np.exp(-sign * logits))
    check(loss, {"logits": logits}, {"logits": grad})
    extra = {"rows": rows, "length": [6], "scale": [0.25], "unit": [1.0 / 64.0], "out": [loss({"logits": logits})]}
    write("bce.txt", "binary cross entropy with logits", with_gradients({"logits": logits}, extra, {"logits": grad}))


def adamw_file(rng):
    settings = {"beta1": single(0.9), "beta2": single(0.95), "epsilon": single(1e-8)}
    weights, first, second = uniform(rng, 12), np.zeros(12), np.zeros(12)
    decay = np.where(np.arange(12) < 8, 0.125, 0.0)  # ranges [0, 8) and [8, 12)
    rates, scales = np.array([1e-2, 2e-2, 5e-3]), np.array([1.0, 0.25, 1.0])
    gradients, after = uniform(rng, 3, 12), []
    start = weights
    for step in range(3):
        gradient = gradients[step] * scales[step]
        first = settings["beta1"] * first + (1.0 - settings["beta1"]) * gradient
        second = settings["beta2"] * second + (1.0 - settings["beta2"]) * gradient**2
        unbiased = first / (1.0 - settings["beta1"] ** (step + 1))
        root = np.sqrt(second / (1.0 - settings["beta2"] ** (step + 1)))
        weights = weights - rates[step] * (unbiased / (root + settings["epsilon"]) + decay * weights)
        after.append(weights)
    tensors = {"weights": start, "gradients": gradients, "rates": rates, "scales": scales, "decay": decay,
               "after": np.array(after), "first": first, "second": second}
    write("adamw.txt", "three updates from zero moments; betas 0.9, 0.95 and epsilon 1e-8 as f32", tensors)


def block_inputs(rng, batch, length, channels, hidden):
    """h and a block's parameters, of a size at which every part of the block matters."""
    tensors = {"h": uniform(rng, batch * length, channels, scale=1.5)}
    for norm in ("attention.norm", "ffn.norm"):
        tensors[norm + ".gain"] = exact(1.0 + uniform(rng, channels, scale=0.3))
        tensors[norm + ".shift"] = uniform(rng, channels, scale=0.3)
    shapes = {"attention." + name: (channels, channels) for name in ("query", "key", "value", "output")}
    shapes.update({"ffn.up": (hidden, channels), "ffn.down": (channels, hidden)})
    for name, shape in shapes.items():
        tensors[name + ".weight"] = uniform(rng, *shape, scale=0.6)
        tensors[name + ".bias"] = uniform(rng, shape[0], scale=0.3)
    return tensors


def token_selective_file(rng):
    batch, length, channels, heads, hidden, router = 2, 5, 8, 2, 12, 4
    inputs = block_inputs(rng, batch, length, channels, hidden)
    inputs.update({"router.up.weight": uniform(rng, router, channels, scale=0.6),
                   "router.up.bias": uniform(rng, router, scale=0.3),
                   "router.down.weight": uniform(rng, 1, router), "router.down.bias": exact([-1.0])})
    preactivation = inputs["h"] @ inputs["router.up.weight"].T + inputs["router.up.bias"]
    assert np.abs(preactivation).min() > 1e-3, "too close to the corner of relu for differences"
    weight, none, share = uniform(rng, batch * length, channels), np.zeros(batch * length), 1.0 / (batch * length)

    def forward(at):
        return blocks.token_selective(at, at["h"], batch, length, heads)

    out, gates, back = forward(inputs)
    grads = back(weight, none)
    penalty = {name: value for name, value in back(np.zeros_like(weight), none + share).items()
               if name == "h" or name.startswith("router.")}
    check(lambda at: (forward(at)[0] * weight).sum(), inputs, grads)
    check(lambda at: forward(at)[1].mean(), inputs, penalty)
    extra = {"sizes": [batch, length, channels, heads, hidden], "weight": weight, "out": out, "gates": gates}
    tensors = with_gradients(inputs, extra, grads)
    write("tsa_block.txt", "a Token-Selective block", with_gradients(tensors, {}, penalty, "penalty."))


def mixture_of_depths_file(rng):
    batch, length, channels, heads, hidden, k = 2, 7, 8, 2, 12, 3
    inputs = block_inputs(rng, batch, length, channels, hidden)
    inputs["router.score.weight"] = uniform(rng, 1, channels, scale=0.6)
    weight = uniform(rng, batch * length, channels)

    def forward(at):
        return blocks.mixture_of_depths(at, at["h"], length, heads, k)

    out, scores, rows, back = forward(inputs)
    for begin in range(0, scores.size, length):
        ranked = np.sort(scores[begin : begin + length])[::-1]
        assert ranked[k - 1] - ranked[k] > 1e-2, "a choice that f32 could make otherwise"
    assert not np.array_equal(rows[:k] % length, np.arange(k)), "original positions must differ from 0..k-1"
    grads = back(weight)
    check(lambda at: (forward(at)[0] * weight).sum(), inputs, grads)
    extra = {"sizes": [batch, length, channels, heads, hidden], "k": [k], "weight": weight, "out": out,
             "scores": scores, "rows": rows}
    write("mod_block.txt", "a Mixture-of-Depths block", with_gradients(inputs, extra, grads))


def modern_block_inputs(rng, batch, length, channels, hidden, width, kv_heads):
    """h and the parameters of a block of the modern family: no biases, no shifts, key heads of their own number."""
    tensors = {"h": uniform(rng, batch * length, channels, scale=1.5)}
    for name, size in {"attention.norm": channels, "ffn.norm": channels, "attention.query_norm": width,
                       "attention.key_norm": width}.items():
        tensors[name + ".gain"] = exact(1.0 + uniform(rng, size, scale=0.3))
    keys = kv_heads * width
    for name, shape in {"attention.query": (channels, channels), "attention.key": (keys, channels),
                        "attention.value": (keys, channels), "attention.output": (channels, channels),
                        "ffn.gate": (hidden, channels), "ffn.up": (hidden, channels),
                        "ffn.down": (channels, hidden)}.items():
        tensors[name + ".weight"] = uniform(rng, *shape, scale=0.6)
    return tensors


def modern_block_file(rng):
    batch, length, channels, heads, kv_heads, hidden, k, base = 2, 7, 16, 4, 2, 12, 4, 50.0
    inputs = modern_block_inputs(rng, batch, length, channels, hidden, channels // heads, kv_heads)
    inputs["router.score.weight"] = uniform(rng, 1, channels, scale=0.6)
    weight = uniform(rng, batch * length, channels)

    def forward(at):
        return blocks.mixture_of_depths(at, at["h"], length, heads, k, base)

    out, scores, rows, back = forward(inputs)
    for begin in range(0, scores.size, length):
        ranked = np.sort(scores[begin : begin + length])[::-1]
        assert ranked[k - 1] - ranked[k] > 1e-2, "a choice that f32 could make otherwise"
    assert not np.array_equal(rows[:k] % length, np.arange(k)), "original positions must differ from 0..k-1"
    grads = back(weight)
    check(lambda at: (forward(at)[0] * weight).sum(), inputs, grads)
    extra = {"sizes": [batch, length, channels, heads, hidden], "kv_heads": [kv_heads], "rope_base": [base], "k": [k],
             "weight": weight, "out": out, "scores": scores, "rows": rows}
    about = "a Mixture-of-Depths block of the modern family"
    write("modern_mod_block.txt", about, with_gradients(inputs, extra, grads))


def main():
    files = [layer_norm_file, embedding_file, top_k_file, gates_file, bce_file, adamw_file, token_selective_file,
             mixture_of_depths_file, modern_block_file]
    for number, make in enumerate(files):
        make(np.random.default_rng(1000 + number))


if __name__ == "__main__":
    main()
