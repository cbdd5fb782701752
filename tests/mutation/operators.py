"""The faults. An operator finds places in blanked source (source.py) and says what stands there instead."""
import re
from collections import Counter
from dataclasses import dataclass

from source import blanked, line_of

CALL = r"(?:[\w:]+(?:<[\w, ()]*>)?(?:\(\))?(?:\.|->))*[\w:]+(?:<[\w, ()]*>)?\([^;{}]*\);"
TARGET = r"\*?[\w:.>-]+(?:\([^;{}= ]*\))?(?:\[[^\]\n]*\])*(?:\.\w+(?:\[[^\]\n]*\])*)*"
STATEMENT = r"(?m)(?:^\s*(?:else )?|(?<=\) ))"  # begins a line, or follows if (...) or for (...)

# name, pattern of the place (group 1 of it, if it has groups), what comes there
REPLACEMENTS = [
    ("barrier", r"__sync(?:threads|warp)\(\);", ";"),
    ("atomic", r"\batomicAdd(?=\()", "plain_add"),
    ("order", STATEMENT + r"((?:[\w.>()-]*(?:\.|->)(?:record|before|wait)|cuda_order|(?:cuda::)?check(?=\((?:cuda|cublas)))\([^;{}]*\);)", ";"),
    ("call", STATEMENT + rf"((?!return|__sync|(?:cuda::)?(?:launch|check)\b){CALL})", ";"),
    ("guard", r"(?m)^\s*(if \([^\n;{}]*\) (?:return|continue|break)\b[^;{}]*;)", ";"),
    ("assignment", STATEMENT + rf"({TARGET} [-+*|]?= [^;{{}}]*;)", ";"),
    ("compare", r" < ", " <= "),
    ("compare", r" <= ", " < "),
    ("compare", r" > ", " >= "),
    ("compare", r" >= ", " > "),
    ("equal", r" == ", " != "),
    ("equal", r" != ", " == "),
    ("logic", r" && ", " || "),
    ("logic", r" \|\| ", " && "),
    ("not", r"(!)(?=[\w(])", ""),
    ("arithmetic", r" \+ ", " - "),
    ("arithmetic", r" - ", " + "),
    ("arithmetic", r" \* ", " / "),
    ("arithmetic", r" / ", " * "),
    ("arithmetic", r" % ", " / "),
    ("off_by_one", r" [+-] 1(?![\w.])", ""),
    ("bits", r" << ", " >> "),
    ("bits", r" >> ", " << "),
    ("bits", r" & ", " | "),
    ("bits", r" \| ", " & "),
    ("bits", r" \^ ", " | "),
    ("sign", r"(?<=[=(,?:*] )(-)(?=[\w(])|(?<=\()(-)(?=\w)", ""),
    ("sign", r" -= ", " += "),
    ("overwrite", r" \+= ", " = "),
    ("overwrite", r"\bfmaf(?=\()", "[](auto a, auto b, auto) { return a * b; }"),
    ("lane", r"\bkAllLanes\b", "kAllLanes >> 1"),
    ("lane", r"(?<=distance = )\w+ / 2", "1"),
    ("lane", r"__shfl_xor_sync", "__shfl_down_sync"),
    ("lane", r"__shfl_up_sync", "__shfl_down_sync"),
    ("initial", r"(?<= = )0(?:\.0F?)?(?=[;,)])|(?<=\{)0(?:\.0F?)?(?=[,}])", "1"),
    ("initial", r"-INFINITY", "0.0F"),
    ("factor", r"(?<![\w.])1\.0F?(?![\w.])", "2.0F"),
    ("extreme", r"\bfmax(?=\()", "fmin"),
    ("extreme", r"\bfmaxf(?=\()", "fminf"),
    ("extreme", r"\bfminf(?=\()", "fmaxf"),
    ("extreme", r"std::max(?=[(<])", "std::min"),
    ("extreme", r"std::min(?=[(<])", "std::max"),
    ("boolean", r"\btrue\b", "false"),
    ("boolean", r"\bfalse\b", "true"),
]


WHOLE = (";", "true", "false")  # take the place of a whole statement or condition


def is_balanced(code):
    return code.count("(") == code.count(")")


@dataclass(frozen=True)
class Mutant:
    file: str
    line: int
    operator: str
    number: int  # among those of the operator on the line
    begin: int
    end: int
    replacement: str
    before: str  # the lines it changes, on one
    after: str
    occurrence: int  # among the mutants of the file that read the same

    @property
    def name(self):
        return f"{self.file}:{self.line}:{self.operator}" + (f".{self.number}" if self.number > 1 else "")

    @property
    def identity(self):
        """The same wherever the lines move to."""
        return (self.file, self.operator, self.before, self.after, self.occurrence)

    def applied(self, text):
        return text[: self.begin] + self.replacement + text[self.end :]


def conditions(code):
    """if (x) becomes if (true) and if (false), for a plain x: other operators change what compares or negates."""
    for found in re.finditer(r"\bif \((!?[\w:.()>-]+)\) (?!return|continue|break)", code):
        for answer in ("true", "false"):
            yield "condition", found.start(1), found.end(1), answer


def choices(code):
    """c ? a : b becomes c ? b : a."""
    for found in re.finditer(r" \? ([^?;{}]+?) : ([^?;{}]+?)(?=[;,}]|\)[;,)}])", code):
        one, other = found[1], found[2]
        if is_balanced(one) and is_balanced(other):
            yield "choice", found.start(1), found.end(2), f"{other} : {one}"


def replacements(code):
    for operator, pattern, to in REPLACEMENTS:
        for found in re.finditer(pattern, code):
            group = next((g for g in range(1, (found.lastindex or 0) + 1) if found[g] is not None), 0)
            yield operator, *found.span(group), to


def first_of_each_line(code, faults, operator):
    """Keeps one fault of a common operator a line: most others there are the same fault, in other words."""
    seen = set()
    for fault in sorted(faults, key=lambda it: it[1]):
        line = line_of(code, fault[1])
        if fault[0] == operator and line in seen:
            continue
        if fault[0] == operator:
            seen.add(line)
        yield fault


def on_one_line(text):
    return " ".join(text.split())


def mutants_of(file, text):
    """All of a file, in the order of its lines."""
    code = blanked(text)
    places, out, of_line, alike = set(), [], Counter(), Counter()
    found = [*replacements(code), *conditions(code), *choices(code)]
    for operator, begin, end, to in first_of_each_line(code, found, "arithmetic"):
        if (begin, end, to) in places or (to in WHOLE and not is_balanced(code[begin:end])):
            continue
        places.add((begin, end, to))
        first, last = text.rfind("\n", 0, begin) + 1, text.find("\n", end)
        line = line_of(text, begin)
        before, after = on_one_line(text[first:last]), on_one_line(text[first:begin] + to + text[end:last])
        of_line[line, operator] += 1
        alike[operator, before, after] += 1
        out.append(Mutant(file, line, operator, of_line[line, operator], begin, end, to, before, after, alike[operator, before, after]))
    return out
