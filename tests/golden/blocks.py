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


def mixture_of_depths(p, h, length, heads, k):
    """Mixture-of-Depths (arXiv 2404.02258): scores r = h w; the k best rows of every sequence attend among themselves,
    and their whole update f(X) = a + FFN(LN(X + a)), a = Attention(LN(X)), is added to the stream times r. Other rows
    pass. Returns the output, the scores [B * T], the chosen rows, and back(d output) -> gradients."""
    weight = p["router.score.weight"]  # [1, C]
    scores = (h @ weight.T)[:, 0]
    rows = choose(scores, length, k)
    x, r = h[rows], scores[rows][:, None]
    attended, attended_back = attention_update(p, x, heads, visible_pairs(rows, length))
    fed, fed_back = ffn_update(p, x + attended)
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
