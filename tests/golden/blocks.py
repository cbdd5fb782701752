"""The two gated transformer blocks in float64: values, and gradients by hand from the layers' own.

h: [B * T, C], row = sequence * T + position. Parameters are a dictionary by the names of the model's parameters,
without the prefixes that number the block ("blocks.3.") and the router ("routers.3." becomes "router.")."""

import numpy as np

import layers


def _accumulate(grads, names, values):
    for name, value in zip(names, values):
        grads[name] = grads.get(name, 0.0) + value


def _linear(p, name, x):
    value, back = layers.linear(x, p[name + ".weight"], p[name + ".bias"])

    def back_into(dy, grads):
        dx, *rest = back(dy)
        _accumulate(grads, [name + ".weight", name + ".bias"], rest)
        return dx

    return value, back_into


def _norm(p, name, x):
    value, back = layers.layer_norm(x, p[name + ".gain"], p[name + ".shift"])

    def back_into(dy, grads):
        dx, *rest = back(dy)
        _accumulate(grads, [name + ".gain", name + ".shift"], rest)
        return dx

    return value, back_into


def attention_update(p, x, heads, visible):
    """The attention branch's update of rows x: output(attention(query, key, value of LN(x)))."""
    normed, norm_back = _norm(p, "attention.norm", x)
    (q, q_back), (k, k_back), (v, v_back) = (_linear(p, "attention." + n, normed) for n in ("query", "key", "value"))
    mixed, mix_back = layers.attention(q, k, v, heads, visible)
    update, out_back = _linear(p, "attention.output", mixed)

    def back(dy, grads):
        dq, dk, dv = mix_back(out_back(dy, grads))
        return norm_back(q_back(dq, grads) + k_back(dk, grads) + v_back(dv, grads), grads)

    return update, back


def ffn_update(p, x):
    """The feed-forward branch's update of rows x: down(gelu(up(LN(x))))."""
    normed, norm_back = _norm(p, "ffn.norm", x)
    wide, up_back = _linear(p, "ffn.up", normed)
    active, gelu_back = layers.gelu(wide)
    update, down_back = _linear(p, "ffn.down", active)
    return update, lambda dy, grads: norm_back(up_back(gelu_back(down_back(dy, grads)), grads), grads)


def visible_pairs(rows, length):
    """Which of `rows` may look at which: the same sequence, an original position not later than its own."""
    same = rows[:, None] // length == rows[None, :] // length
    return same & (rows[None, :] % length <= rows[:, None] % length)


def token_selective(p, h, batch, length, heads):
    """Token-Selective (arXiv 2605.05222): one open gate g = 1 - sigmoid(z) per token on both branches, z from a router
    of two layers on the raw stream h. Returns the block's output, the gates [B * T], and back(d output, d gates) ->
    gradients, that of h among them."""
    hidden, up_back = _linear(p, "router.up", h)
    active, relu_back = layers.relu(hidden)
    z, down_back = _linear(p, "router.down", active)
    gates, gate_back = layers.sigmoid(-z)  # [N, 1]
    visible = visible_pairs(np.arange(batch * length), length)
    attended, attended_back = attention_update(p, h, heads, visible)
    middle = h + gates * attended
    fed, fed_back = ffn_update(p, middle)

    def back(dout, dgates):
        grads = {}
        dgate = dgates[:, None] + (dout * fed).sum(axis=1, keepdims=True)
        dmiddle = dout + fed_back(gates * dout, grads)
        dgate = dgate + (dmiddle * attended).sum(axis=1, keepdims=True)
        dh = dmiddle + attended_back(gates * dmiddle, grads)
        dh = dh + up_back(relu_back(down_back(-gate_back(dgate), grads)), grads)
        return {"h": dh, **grads}

    return middle + gates * fed, gates[:, 0], back


def choose(scores, length, k):
    """The k greatest of every sequence, ties to the lower index, ascending."""
    rows = []
    for begin in range(0, len(scores), length):
        order = sorted(range(length), key=lambda t: (-scores[begin + t], t))
        rows += sorted(begin + t for t in order[:k])
    return np.array(rows)


def mixture_of_depths(p, h, length, heads, k, base=None):
    """Mixture-of-Depths (arXiv 2404.02258): scores r = h w; the k best rows of every sequence attend among themselves,
    and their whole update f(X) = a + FFN(LN(X + a)), a = Attention(LN(X)), is added to the stream times r. Other rows
    pass. With `base` the block is one of the modern family, its rotations by original positions. Returns the output, the scores [B * T], the chosen rows, and back(d output) -> gradients."""
    weight = p["router.score.weight"]  # [1, C]
    scores = (h @ weight.T)[:, 0]
    rows = choose(scores, length, k)
    x, r = h[rows], scores[rows][:, None]
    visible = visible_pairs(rows, length)
    if base is None:
        attended, attended_back = attention_update(p, x, heads, visible)
        fed, fed_back = ffn_update(p, x + attended)
    else:
        attended, attended_back = modern_attention_update(p, x, heads, visible, rows % length, base)
        fed, fed_back = swiglu_update(p, x + attended)
    update = attended + fed
    out = h.copy()
    out[rows] += r * update

    def back(dout):
        grads = {}
        dupdate = r * dout[rows]
        dscores = np.zeros(len(h))
        dscores[rows] = (dout[rows] * update).sum(axis=1)
        dinner = fed_back(dupdate, grads)
        dx = dinner + attended_back(dupdate + dinner, grads)
        dh = dout + dscores[:, None] * weight
        dh[rows] += dx
        return {"h": dh, "router.score.weight": dscores[None, :] @ h, **grads}

    return out, scores, rows, back


def _plain(p, name, x):
    """A linear layer without bias."""
    weight = p[name + ".weight"]

    def back_into(dy, grads):
        _accumulate(grads, [name + ".weight"], [dy.T @ x])
        return dy @ weight

    return x @ weight.T, back_into


def _rms_norm(p, name, x):
    value, back = layers.rms_norm(x, p[name + ".gain"])

    def back_into(dy, grads):
        dx, dgain = back(dy)
        _accumulate(grads, [name + ".gain"], [dgain])
        return dx

    return value, back_into


def _turned_heads(p, name, x, positions, base):
    """Queries or keys of the modern family: projection, RMSNorm of every head, rotation by the position."""
    flat, flat_back = _plain(p, "attention." + name, x)
    normed, norm_back = _rms_norm(p, f"attention.{name}_norm", flat)
    value, rope_back = layers.rope(normed, positions, p[f"attention.{name}_norm.gain"].size, base)
    return value, lambda dy, grads: flat_back(norm_back(rope_back(dy), grads), grads)


def modern_attention_update(p, x, heads, visible, positions, base):
    """Grouped queries: key head i serves query heads [i G, (i + 1) G). The keys are repeated here, and their gradients
    added up."""
    width = p["attention.query_norm.gain"].size
    normed, norm_back = _rms_norm(p, "attention.norm", x)
    q, q_back = _turned_heads(p, "query", normed, positions, base)
    k, k_back = _turned_heads(p, "key", normed, positions, base)
    v, v_back = _plain(p, "attention.value", normed)
    kv_heads = k.shape[1] // width

    def repeated(y):
        return np.repeat(y.reshape(len(y), kv_heads, width), heads // kv_heads, axis=1).reshape(len(y), -1)

    def gathered(dy):
        return dy.reshape(len(dy), kv_heads, heads // kv_heads, width).sum(axis=2).reshape(len(dy), -1)

    mixed, mix_back = layers.attention(q, repeated(k), repeated(v), heads, visible)
    update, out_back = _plain(p, "attention.output", mixed)

    def back(dy, grads):
        dq, dk, dv = mix_back(out_back(dy, grads))
        return norm_back(q_back(dq, grads) + k_back(gathered(dk), grads) + v_back(gathered(dv), grads), grads)

    return update, back


def swiglu_update(p, x):
    """down(silu(gate(RMSNorm(x))) * up(RMSNorm(x)))."""
    normed, norm_back = _rms_norm(p, "ffn.norm", x)
    gate, gate_back = _plain(p, "ffn.gate", normed)
    up, up_back = _plain(p, "ffn.up", normed)
    open_share, silu_back = layers.silu(gate)
    update, down_back = _plain(p, "ffn.down", open_share * up)

    def back(dy, grads):
        dproduct = down_back(dy, grads)
        return norm_back(gate_back(silu_back(dproduct * up), grads) + up_back(dproduct * open_share, grads), grads)

    return update, back
