"""Many mutants in one build: an environment variable selects one of them, so that a mutant costs a run but no build."""

import re
from dataclasses import dataclass, replace

VARIABLE = "TOOLVAULT_MUTANT"
# For the root of a crate, before its first line and after its last.
ALLOW = "#![allow(warnings, arithmetic_overflow, unconditional_panic, overflowing_literals)] "
CHOSEN = f"""
pub(crate) fn chosen_mutant() -> usize {{
    static CHOSEN: std::sync::LazyLock<usize> =
        std::sync::LazyLock::new(|| std::env::var("{VARIABLE}").map_or(0, |number| number.parse().unwrap()));
    *CHOSEN
}}
pub(crate) fn iterator<T, I: Iterator<Item = T>>(iterator: I) -> I {{
    iterator
}}
pub(crate) enum Either<A, B> {{
    This(A),
    Other(B),
}}
impl<T, A: Iterator<Item = T>, B: Iterator<Item = T>> Iterator for Either<A, B> {{
    type Item = T;
    fn next(&mut self) -> Option<T> {{
        match self {{
            Self::This(iterator) => iterator.next(),
            Self::Other(iterator) => iterator.next(),
        }}
    }}
}}
"""
ARM = re.compile(r"(\d+|_) => \{")
ITERATOR = re.compile(r"-> impl Iterator<Item ?=((?:(?!\bimpl\b)[^+])*)>")


@dataclass(frozen=True)
class Mutant:
    """A change of a file: the text at `place` is replaced."""

    name: str
    part: str
    file: str
    place: slice
    replacement: str
    # The function, its name and its body, if the mutant can be selected when the program runs.
    function: slice | None
    called: str = ""
    body: int = 0
    # What the function's iterator yields, if it returns one.
    item: str = ""

    def changed(self, text: str, within: slice = slice(None)) -> str:
        return f"{text[within.start : self.place.start]}{self.replacement}{text[self.place.stop : within.stop]}"


def read(part: str, found: dict, text: str) -> Mutant:
    """A mutant as cargo-mutants describes it: lines and columns count from 1."""
    lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(span: dict) -> slice:
        return slice(*(lines[span[side]["line"] - 1] + span[side]["column"] - 1 for side in ("start", "end")))

    mutant = Mutant(found["name"], part, found["file"], place(found["span"]), found["replacement"], None)
    of = found["function"]
    if not of:
        return mutant
    function = place(of["span"])
    called = of["function_name"].rpartition("::")[2]
    # The body begins at the first brace outside of parentheses and brackets.
    body, depth = re.compile(rf"\bfn {called}\b").search(text, function.start).start(), 0
    while depth or text[body] != "{":
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[body], 0)
        body += 1
    iterator = None if "return " in text[body : function.stop] else ITERATOR.fullmatch(of["return_type"])
    if "impl " in of["return_type"] and not iterator:
        return mutant
    item = iterator[1] if iterator else ""
    return replace(mutant, function=function, called=called, body=body, item=item)


def either(bodies: list[str], item: str) -> list[str]:
    """The bodies of a function that returns an iterator, which have one type each, as bodies of the same type."""
    bodies = [f"crate::iterator::<{item}, _>({body})" for body in bodies]
    this = [*(f"crate::Either::This({body})" for body in bodies[:-1]), bodies[-1]]
    return [f"{{ {'crate::Either::Other(' * depth}{body}{')' * depth} }}" for depth, body in enumerate(this)]


def woven(text: str, mutants: dict[int, Mutant]) -> str:
    """The text with all mutants: each function has a `match`, with an arm for each of its mutants. It is no `const fn`."""
    pieces, at = [], 0
    functions = {(mutant.function.start, mutant.function.stop, mutant.body, mutant.item) for mutant in mutants.values()}
    for start, end, body, item in sorted(functions, key=lambda function: (function[0], -function[1])):
        # A function in another one is a part of it.
        if start >= at:
            of = {number: mutant for number, mutant in mutants.items() if start <= mutant.place.start < end}
            bodies = [*(mutant.changed(text, slice(body, end)) for mutant in of.values()), text[body:end]]
            chosen = zip([*of, "_"], either(bodies, item) if item else bodies, strict=True)
            head = text[start:body].replace("const fn", "fn")
            arms = [f"\n{number} => {changed}" for number, changed in chosen]
            pieces += [text[at:start], head, "{ match crate::chosen_mutant() {", *arms, " } }"]
            at = end
    return "".join(pieces) + text[at:]


def mutant_at(text: str, line: int) -> int | None:
    """The number of the mutant at a line of a woven text."""
    arms = [arm[1] for above in text.split("\n")[:line] if (arm := ARM.match(above))]
    return int(arms[-1]) if arms and arms[-1] != "_" else None


def needed_constant(error: dict) -> str | None:
    """The name of the function that a constant needs as a `const fn`."""
    is_call = (error["code"] or {}).get("code") == "E0015"
    return error["message"].split("`")[1].rpartition("::")[2] if is_call else None
