"""What the console says stands in its catalogue (console/src/texts), and not in markup or code."""

import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "console" / "src"
FILES = sorted(SOURCES.rglob("*.svelte"))
CODE = [
    *FILES,
    *sorted(file for file in SOURCES.rglob("*.ts") if file.parent.name != "texts" and file.name != "api-types.ts"),
]
SAID = ("aria-label", "aria-description", "aria-roledescription", "title", "placeholder", "alt", "label")
"""Attributes that are read out or shown."""

KEY = re.compile(r"\b(Enter|Esc|Tab|Ctrl|Alt|Shift|[A-Za-z])\b")
"""Keys are called as they are on keyboards."""

LETTER = re.compile(r"[^\W\d_]")
CALLED = re.compile(r"\w+\([^()]*\)|[=!]== '\w*'|\['\w+'\]|'\w+' in \w")
"""What is given to a function, compared, or asked for by its name, is not read."""

COMMENT = re.compile(r"(?<![:'])//[^\n]*|/\*.*?\*/", re.DOTALL)
STRING = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`""")
SENTENCE = re.compile(r"[A-Za-z]{2,}[,.?!:]? [A-Za-z]{2,}")
"""Two words after each other."""

NOT_READ = re.compile(r"system-ui|prefers-|button, input|narrowed (?:node|role)|Error\($")
"""Fonts, questions about the screen, selectors, fields of events, and what is thrown for who writes the code."""

QUOTED = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*\"""")


def closes(text, at):
    """Behind the brace that closes the one at a place; what is quoted has none."""
    depth = 0
    while at < len(text):
        quoted = QUOTED.match(text, at) if text[at] in "'\"" else None
        if quoted:
            at = quoted.end()
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
        if not depth:
            return at
    raise AssertionError("braces do not close")


def pieces(markup):
    """(what, text) of markup: `text` between tags, a `tag` with its attributes, an `expression` between tags."""
    at = 0
    while at < len(markup):
        if markup[at] == "{":
            end = closes(markup, at)
            yield "expression", markup[at + 1 : end - 1]
        elif markup.startswith("<", at) and re.match(r"</?[A-Za-z]", markup[at:]):
            end = at + 1
            while markup[end] != ">":
                quoted = re.compile(r'"[^"{]*"').match(markup, end)
                end = quoted.end() if quoted else closes(markup, end) if markup[end] == "{" else end + 1
            end += 1
            yield "tag", markup[at:end]
        else:
            end = min(
                (place for place in (markup.find(sign, at + 1) for sign in "{<") if place >= 0), default=len(markup)
            )
            yield "text", markup[at:end]
        at = end


def without_braces(text):
    """A text without what is computed in it."""
    found, at = "", 0
    while at < len(text):
        if text[at] == "{":
            at = closes(text, at)
        else:
            found += text[at]
            at += 1
    return found


def attributes(tag):
    """(name, value) of a tag's attributes that are written as text, with what is computed in them taken out."""
    for found in re.finditer(r"""([\w-]+)=("|{|`)""", tag):
        start = found.end() - 1
        if found[2] == "{":
            yield (
                found[1],
                " ".join(one[1:-1] for one in QUOTED.findall(CALLED.sub("", tag[start : closes(tag, start)]))),
            )
            continue
        end = start + 1
        while tag[end] != found[2]:
            end = closes(tag, end) if tag[end] == "{" else end + 1
        yield found[1], without_braces(tag[start + 1 : end])


def markup_of(source):
    """A component without its script and its style."""
    return re.sub(r"<script.*?</script>|<style.*?</style>|<!--.*?-->", "", source, flags=re.DOTALL)


def is_read(text):
    """Whether people read letters there that are not the name of a key."""
    return bool(LETTER.search(KEY.sub("", re.sub(r"&\w+;|\\u[0-9a-f]{4}", "", text))))


def written_in_markup(markup):
    """What people read that stands in markup itself."""
    found = []
    for what, text in pieces(markup):
        if what == "text":
            found += [text.strip()] if is_read(text) else []
        elif what == "expression" and text[:1] not in "#:/@":
            found += [one for one in QUOTED.findall(CALLED.sub("", text)) if is_read(one)]
        elif what == "tag":
            found += [value for name, value in attributes(text) if name in SAID and is_read(value)]
    return found


def written_in_code(file, source):
    """The sentences that stand in code."""
    if file.suffix == ".svelte":
        source = "".join(re.findall(r"<script.*?>(.*?)</script>", source, re.DOTALL))
    source = COMMENT.sub("", source)
    found = []
    for string in STRING.finditer(source):
        text = re.sub(r"\$\{[^}]*\}", "", string[0][1:-1])
        before = source[max(string.start() - 10, 0) : string.start()]
        if SENTENCE.search(text) and not (NOT_READ.search(text) or NOT_READ.search(before)):
            found.append(string[0])
    return found


def name_of(file):
    return file.relative_to(SOURCES).as_posix()


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_what_people_read_stands_in_the_catalogue(file):
    assert written_in_markup(markup_of(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("file", CODE, ids=name_of)
def test_no_sentence_stands_in_code(file):
    assert written_in_code(file, file.read_text(encoding="utf-8")) == []


def test_the_check_sees_sentences_in_code():
    source = "// a comment here\nconst one = open ? `Close ${what} now, please` : texts.open; throw new Error('no such place');"
    assert written_in_code(SOURCES / "one.ts", source) == ["`Close ${what} now, please`"]


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ("<p>{texts.all}</p>", []),
        ("<p>Open</p>", ["Open"]),
        ("<p>{texts.of('a')} {count > 1 ? 'games' : texts.game}</p>", ["'games'"]),
        ('<button aria-label="Close {name}">{sign}</button>', ["Close "]),
        ('<button title="{texts.close} (x)" class="good one">×</button>', []),
        ("<p title={open ? 'Close it' : texts.open}>&nbsp;</p>", ["Close it"]),
        ("{#if way === 'up'}<b>↑</b> <kbd>Enter</kbd>{/if}", []),
        ("<p>{'{'} {a > b}</p>", []),
    ],
)
def test_the_check_sees_what_it_looks_for(markup, said):
    assert written_in_markup(markup) == said
