"""Purity: the lint that keeps the domain deterministic.

Rule: the same commands give the same events, byte for byte. So the domain does not wait, asks nobody outside for
anything, computes with integers and fractions only, and never goes through a set in the set's own order, which differs
from process to process.

    python tools/purity.py [FOLDER or FILE]...       (src/runline/domain unless told otherwise)

Prints `file:line: message` for each finding. Exits 0 if there is none, 1 if there are some, 2 if there is nothing to
read. A line that must be as it is says why: `# purity: REASON` exempts it.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

DOMAIN = Path("src/runline/domain")

ANYTHING = frozenset({"*"})
ALLOWED_IMPORTS = {
    "__future__": ANYTHING,
    "abc": ANYTHING,
    "bisect": ANYTHING,
    "collections": ANYTHING,
    "collections.abc": ANYTHING,
    "dataclasses": ANYTHING,
    "enum": ANYTHING,
    "fractions": ANYTHING,
    "functools": ANYTHING,
    "hashlib": frozenset({"sha256"}),
    "heapq": ANYTHING,
    "itertools": ANYTHING,
    "math": frozenset({"ceil", "comb", "floor", "gcd", "isqrt", "lcm", "prod"}),
    "msgspec": ANYTHING,
    "msgspec.json": ANYTHING,
    "msgspec.structs": ANYTHING,
    "operator": frozenset({"attrgetter", "itemgetter"}),
    "re": ANYTHING,
    "types": frozenset({"MappingProxyType", "ModuleType"}),
    "typing": ANYTHING,
}
"""Modules that the domain may import, and which of their names. Everything of runline.domain is allowed besides."""

FORBIDDEN_BUILTINS = {
    "__import__": "the domain imports at the top, nothing by name",
    "breakpoint": "the domain has no input and output",
    "compile": "the domain makes no code",
    "complex": "money and odds are exact",
    "eval": "the domain makes no code",
    "exec": "the domain makes no code",
    "float": "money and odds are exact",
    "globals": "a rule takes what it needs as arguments",
    "hash": "a hash differs from process to process",
    "id": "an identity differs from process to process",
    "input": "the domain has no input and output",
    "open": "the domain has no input and output",
    "print": "the domain has no input and output",
}

SET_NAMES = frozenset({"set", "frozenset", "Set", "AbstractSet", "FrozenSet", "MutableSet"})
SET_METHODS = frozenset({"copy", "difference", "intersection", "symmetric_difference", "union"})
SET_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)
PROPERTIES = frozenset({"cached_property", "property"})
VALUE_METHODS = frozenset({"get", "pop", "setdefault"})

ORDER_FREE = frozenset({"all", "any", "frozenset", "len", "max", "min", "set", "sorted", "sum"})
"""What may take a set whole: the outcome is the same in any order."""

ORDER_FREE_WITHOUT_KEY = frozenset({"max", "min", "sorted"})
"""With a key, equal elements come out in the order they went in."""

ORDER_BOUND_FUNCTIONS = frozenset(
    {"Counter", "OrderedDict", "deque", "dict", "enumerate", "filter", "iter", "list", "map", "reduce", "repr", "str"}
    | {"accumulate", "chain", "combinations", "cycle", "dropwhile", "from_iterable", "groupby", "islice", "pairwise"}
    | {"permutations", "product", "starmap", "takewhile", "tuple", "zip", "zip_longest"}
)
ORDER_BOUND_METHODS = frozenset({"extend", "extendleft", "fromkeys", "join"})

EXEMPTION = re.compile(r"#\s*purity:\s*(?P<reason>.*)")

SET = ast.Name("set")
"""The annotation that stands for every set."""

UNKNOWN = ast.Name("object")
"""The annotation of what nothing is known of."""


class Finding(NamedTuple):
    """A line that breaks the rule."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


Scope = dict[str, ast.expr]
"""What is known of names: their annotations."""


class Declarations(ast.NodeVisitor):
    """What a file declares: annotations of attributes, of module names and of what its functions return."""

    def __init__(self) -> None:
        self.attributes: dict[str, list[ast.expr]] = {}
        self.returns: Scope = {}

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                self.attributes.setdefault(statement.target.id, []).append(statement.annotation)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if isinstance(node.target, ast.Attribute):
            self.attributes.setdefault(node.target.attr, []).append(node.annotation)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Attribute) and is_set_display(node.value):
                self.attributes.setdefault(target.attr, []).append(SET)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.returns is not None:
            self.returns[node.name] = node.returns
            if any(isinstance(part, ast.Name) and part.id in PROPERTIES for part in node.decorator_list):
                self.attributes.setdefault(node.name, []).append(node.returns)
        self.generic_visit(node)


def is_set_display(node: ast.expr) -> bool:
    """Whether an expression makes a set, by its form alone."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("set", "frozenset")
    return isinstance(node, ast.Set | ast.SetComp)


def parsed(annotation: ast.expr) -> ast.expr:
    """An annotation without its quotes."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return UNKNOWN
    return annotation


def is_set(annotation: ast.expr | None) -> bool:
    """Whether an annotation names a set, or perhaps a set."""
    match annotation and parsed(annotation):
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in SET_NAMES
        case ast.Subscript(value=ast.Name(id="ClassVar" | "Final" | "Optional" | "Annotated"), slice=inner):
            return is_set(inner.elts[0] if isinstance(inner, ast.Tuple) else inner)
        case ast.Subscript(value=value):
            return is_set(value)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return is_set(left) or is_set(right)
    return False


def element(annotation: ast.expr | None) -> ast.expr | None:
    """What a container of this annotation holds: a mapping's values, a sequence's elements."""
    match annotation and parsed(annotation):
        case ast.Subscript(value=ast.Name(id="ClassVar" | "Final"), slice=inner):
            return element(inner)
        case ast.Subscript(slice=ast.Tuple(elts=[*_, ast.Constant(value=value)]) as parts) if value is ...:
            return parts.elts[0]
        case ast.Subscript(slice=ast.Tuple(elts=[*_, last])):
            return last
        case ast.Subscript(slice=inner):
            return inner
    return None


def allowed_names(module: str) -> frozenset[str]:
    """The names that the domain may import from a module: ANYTHING, some or none."""
    if module == "runline.domain" or module.startswith("runline.domain."):
        return ANYTHING
    return ALLOWED_IMPORTS.get(module, frozenset())


class Purity(ast.NodeVisitor):
    """Walks one file and collects what breaks the rule."""

    def __init__(self, own: Declarations, shared: Scope) -> None:
        self.own = own
        self.shared = shared
        self.scopes: list[Scope] = [{}]
        self.declared: list[set[str]] = [set()]
        self.order_free: set[ast.AST] = set()
        self.found: list[tuple[int, str]] = []

    def report(self, node: ast.AST, message: str) -> None:
        self.found.append((getattr(node, "lineno", 1), message))

    # Waiting.

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.report(node, "`async def`: the domain does not wait")
        self.enter_function(node)

    def visit_Await(self, node: ast.Await) -> None:
        self.report(node, "`await`: the domain does not wait")
        self.generic_visit(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self.report(node, "`async for`: the domain does not wait")
        self.generic_visit(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self.report(node, "`async with`: the domain does not wait")
        self.generic_visit(node)

    # Asking outside.

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            allowed = allowed_names(alias.name)
            if not allowed:
                self.report(node, f"import of `{alias.name}`: not among the modules that the domain may use")
            elif allowed != ANYTHING:
                self.report(node, f"import of `{alias.name}`: import the exact functions by name")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        allowed = allowed_names(module)
        if not allowed:
            self.report(node, f"import of `{module}`: not among the modules that the domain may use")
        elif allowed != ANYTHING:
            for alias in node.names:
                if alias.name not in allowed:
                    self.report(node, f"import of `{module}.{alias.name}`: not among the exact functions of `{module}`")

    def visit_Name(self, node: ast.Name) -> None:
        why = FORBIDDEN_BUILTINS.get(node.id)
        if why and isinstance(node.ctx, ast.Load):
            self.report(node, f"`{node.id}`: {why}")

    # Computing inexactly.

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, float | complex):
            self.report(node, f"`{node.value}`: money and odds are exact, write an integer or a Fraction")

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Div):
            self.report(node, "`/`: the quotient of two integers is a float, write `//` or Fraction(a, b)")
        if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.UnaryOp) and isinstance(node.right.op, ast.USub):
            self.report(node, "`**` with a negative exponent gives a float, write Fraction(1, …)")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.op, ast.Div):
            self.report(node, "`/=`: the quotient of two integers is a float, write `//=` or Fraction(a, b)")
        self.generic_visit(node)

    # Going through sets: what a name or an expression is.

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.enter_function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.enter(node, [])

    def enter_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.enter(node, [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs])

    def enter(self, node: ast.AST, arguments: list[ast.arg]) -> None:
        self.scopes.append({argument.arg: argument.annotation or UNKNOWN for argument in arguments})
        self.declared.append({argument.arg for argument in arguments if argument.annotation})
        self.generic_visit(node)
        self.scopes.pop()
        self.declared.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.scopes[-1][node.target.id] = node.annotation
            self.declared[-1].add(node.target.id)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        known = self.annotation_of(node.value)
        for target in node.targets:
            if isinstance(target, ast.Tuple | ast.List) and is_set(known):
                self.report(node, "unpacks a set: its order differs from process to process, sort it")
        self.generic_visit(node)
        for target in node.targets:
            self.bind(target, known)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.generic_visit(node)
        self.bind(node.target, self.annotation_of(node.value))

    def bind(self, target: ast.expr, known: ast.expr | None) -> None:
        """Remember what an assignment's or a loop's target is, unless it has an annotation of its own."""
        if isinstance(target, ast.Name) and target.id not in self.declared[-1]:
            self.scopes[-1][target.id] = known or UNKNOWN
        if isinstance(target, ast.Tuple | ast.List):
            parts = known.elts if isinstance(known, ast.Tuple) else []
            for part, what in zip_longest(target.elts, parts[: len(target.elts)]):
                self.bind(part, what)

    def annotation_of(self, node: ast.expr) -> ast.expr | None:
        """What is known of an expression's type."""
        match node:
            case ast.Set() | ast.SetComp():
                return SET
            case ast.Name(id=name):
                return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)
            case ast.Attribute(attr=name):
                own = self.own.attributes.get(name)
                if own is None:
                    return self.shared.get(name)
                return next((annotation for annotation in own if is_set(annotation)), own[0])
            case ast.Subscript(value=value, slice=index) if not isinstance(index, ast.Slice):
                return element(self.annotation_of(value))
            case ast.IfExp(body=body, orelse=orelse):
                return self.set_of(body, orelse) or self.annotation_of(body)
            case ast.BoolOp(values=values):
                return self.set_of(*values)
            case ast.NamedExpr(value=value):
                return self.annotation_of(value)
            case ast.BinOp(left=left, op=operator, right=right) if isinstance(operator, SET_OPERATORS):
                return self.set_of(left, right)
            case ast.Call(func=ast.Name(id="set" | "frozenset")):
                return SET
            case ast.Call(func=ast.Name(id=name)):
                return self.own.returns.get(name)
            case ast.Call(func=ast.Attribute(value=value, attr=method), args=arguments):
                receiver = self.annotation_of(value)
                if method in SET_METHODS and is_set(receiver):
                    return SET
                if method in VALUE_METHODS:
                    return self.set_of(*arguments[1:]) or element(receiver)
                return self.own.returns.get(method)
        return None

    def set_of(self, *nodes: ast.expr) -> ast.expr | None:
        """SET if any of these expressions is a set."""
        return SET if any(is_set(self.annotation_of(node)) for node in nodes) else None

    def element_of(self, iterable: ast.expr) -> ast.expr | None:
        """What is known of the elements that iterating gives."""
        match iterable:
            case ast.Call(func=ast.Attribute(value=value, attr="values")):
                return element(self.annotation_of(value))
            case ast.Call(func=ast.Attribute(value=value, attr="items")):
                held = element(self.annotation_of(value))
                return ast.Tuple([UNKNOWN, held]) if held is not None else None
        known = self.annotation_of(iterable)
        match known and parsed(known):
            case ast.Subscript(value=ast.Name(id="dict" | "Mapping" | "MutableMapping" | "defaultdict")):
                return None
        return element(known)

    # Going through sets: where it happens.

    def require_order(self, node: ast.expr, where: ast.AST, what: str) -> None:
        if is_set(self.annotation_of(node)):
            self.report(where, f"{what} a set: its order differs from process to process, wrap it in sorted()")

    def visit_For(self, node: ast.For) -> None:
        self.require_order(node.iter, node, "loops over")
        self.bind(node.target, self.element_of(node.iter))
        self.generic_visit(node)

    def visit_comprehensions(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        for generator in node.generators:
            if generator.is_async:
                self.report(node, "`async for`: the domain does not wait")
            if node not in self.order_free:
                self.require_order(generator.iter, generator.iter, "loops over")
            self.bind(generator.target, self.element_of(generator.iter))
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self.visit_comprehensions(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self.visit_comprehensions(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self.visit_comprehensions(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self.order_free.add(node)
        self.visit_comprehensions(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        if isinstance(node.ctx, ast.Load) and node not in self.order_free:
            self.require_order(node.value, node, "unpacks")
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        self.order_free.update(node.elts)
        self.generic_visit(node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        self.require_order(node.value, node, "yields from")
        self.generic_visit(node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> None:
        self.require_order(node.value, node, "prints")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        keyed = any(keyword.arg == "key" for keyword in node.keywords)
        match node.func:
            case ast.Name(id=name) if name in ORDER_FREE and keyed and name in ORDER_FREE_WITHOUT_KEY:
                for argument in node.args:
                    self.require_order(argument, node, f"`{name}` with a key leaves ties in the order of")
            case ast.Name(id=name) if name in ORDER_FREE:
                self.order_free.update(node.args)
            case ast.Name(id=name) if name in ORDER_BOUND_FUNCTIONS and node not in self.order_free:
                for argument in node.args:
                    self.require_order(argument, node, f"`{name}` goes through")
            case ast.Attribute(value=value, attr="pop") if not node.args:
                self.require_order(value, node, "takes any element of")
            case ast.Attribute(attr=name) if name in ORDER_BOUND_METHODS | ORDER_BOUND_FUNCTIONS:
                for argument in node.args:
                    self.require_order(argument, node, f"`{name}` goes through")
        self.generic_visit(node)


def exemptions(text: str) -> Iterator[tuple[int, str]]:
    """The lines that carry an exemption, and their reasons."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and (match := EXEMPTION.search(token.string)):
            yield token.start[0], match["reason"].strip()


def shared_attributes(declared: Sequence[Declarations]) -> Scope:
    """Attributes that mean the same in every file that declares them: all sets, or no set anywhere."""
    everywhere: dict[str, list[ast.expr]] = {}
    for declarations in declared:
        for name, annotations in declarations.attributes.items():
            everywhere.setdefault(name, []).extend(annotations)
    return {name: found[0] for name, found in everywhere.items() if len({is_set(part) for part in found}) == 1}


def check(sources: Sequence[tuple[Path, str]]) -> list[Finding]:
    """All findings in these files, which are read as one domain."""
    trees = [ast.parse(text, str(path)) for path, text in sources]
    declared = []
    for tree in trees:
        declarations = Declarations()
        declarations.visit(tree)
        declared.append(declarations)
    shared = shared_attributes(declared)
    findings = []
    for (path, text), tree, own in zip(sources, trees, declared, strict=True):
        walk = Purity(own, shared)
        walk.visit(tree)
        exempt = dict(exemptions(text))
        broken = {line for line, _ in walk.found}
        findings += [Finding(path, line, message) for line, message in walk.found if not exempt.get(line)]
        findings += [Finding(path, line, "an exemption without a reason") for line in exempt if not exempt[line]]
        findings += [Finding(path, line, "an exemption that exempts nothing") for line in exempt if line not in broken]
    return sorted(findings)


def main(arguments: Sequence[str]) -> int:
    """Check folders and files, print the findings, return the exit status."""
    files: list[Path] = []
    for root in [Path(argument) for argument in arguments] or [DOMAIN]:
        files += sorted(root.rglob("*.py")) if root.is_dir() else [root] if root.is_file() else []
    if not files:
        print("purity: nothing to read", file=sys.stderr)
        return 2
    findings = check([(path, path.read_text(encoding="utf-8")) for path in files])
    for finding in findings:
        print(finding)
    print(f"purity: {len(files)} files, {len(findings) or 'no'} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
