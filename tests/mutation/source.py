"""C++ as the operators see it: the text with everything blanked that no fault is planted in. Blanks keep every place where it was."""
import re

# What a fault would not compile in, would say nothing in (words of errors), or is another check's business (contracts of the caller).
LEFT_ALONE = [
    r"//[^\n]*",
    r'"(?:[^"\\\n]|\\.)*"',
    r"'(?:[^'\\\n]|\\.)'",
    r"(?m)^\s*#[^\n]*",
    r"\btemplate <[^\n]*>(?=\n)",
    r"(?m)^template [^<][^;]*;",  # explicit instantiations
    r"(?m)^using [^;]*;",
    r"\bstatic_assert\([^;]*;",
    r"__launch_bounds__\([^\n]*?\)(?=[ \n])",
    r"\b(?:throw|require\()[^;]*;",
    r"\blog\(LogLevel[^;]*;",
    r"\bcase \w+:",
    r"(?:constexpr|static|inline)[^\n]*\bk[A-Z]\w+ = [^;]*;",  # tuning: a right kernel is right for every value
]


def blanked(text):
    def blank(found):
        return re.sub(r"[^\n]", " ", found[0])

    for pattern in LEFT_ALONE:
        text = re.sub(pattern, blank, text)
    return without_steps(text)


def closing(text, opening):
    """Where the bracket that opens at `opening` is closed."""
    depth = 0
    for at in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return len(text)


def without_steps(text):
    """Blanks the third part of loops: a wrong stride only makes them endless."""
    for found in re.finditer(r"\bfor \(", text):
        end = closing(text, found.end() - 1)
        semicolon = text.rfind(";", found.end(), end)
        if semicolon >= 0:
            text = text[: semicolon + 1] + " " * (end - semicolon - 1) + text[end:]
    return text


def line_of(text, place):
    return text.count("\n", 0, place) + 1
