"""What was found, as tables."""
from collections import Counter, defaultdict

COLUMNS = ("noticed", "survived", "equivalent", "uncompiled")


def score(counts):
    judged = counts["noticed"] + counts["survived"]
    return 100.0 * counts["noticed"] / judged if judged else 100.0


def total(results):
    return Counter(result["status"] for result in results)


def counted(results, key):
    out = defaultdict(Counter)
    for result in results:
        out[result[key]][result["status"]] += 1
    return out


def table(results, key):
    rows = [f"| {key} | {' | '.join(COLUMNS)} | score |", "|---|" + "---:|" * (len(COLUMNS) + 1)]
    for name, counts in sorted(counted(results, key).items()):
        rows.append(row(name, counts))
    rows.append(row("**all**", total(results)))
    return "\n".join(rows)


def row(name, counts):
    return f"| {name} | {' | '.join(str(counts[column]) for column in COLUMNS)} | {score(counts):.1f} % |"


def survivors(results):
    lines = []
    for result in results:
        if result["status"] == "survived":
            lines += [f"{result['name']}", f"    - {result['before']}", f"    + {result['after']}"]
    return "\n".join(lines)


def written(results):
    ways = Counter(result["how"] for result in results if result["status"] == "noticed")
    how = ", ".join(f"{count} by a {way.replace('failed', 'failed test')}" for way, count in ways.most_common())
    return "\n\n".join([table(results, "file"), table(results, "operator"), f"Noticed: {how or 'none'}.", survivors(results)])
