"""Which sentences of the readers become warnings: followed through the source, from every Reading back to its texts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
KEY: Final = "warnings"
GAP: Final = "{}"
# What was kept before has been followed where it was made.
KEPT: Final = frozenset({"loads"})
PASSED_ON: Final = frozenset({"tuple", "list", "sorted", "set", "fromkeys", "dumps"})
# Where the texts are in what holds them.
WITHIN: Final[dict[type[ast.AST], tuple[str, ...]]] = {
    ast.Starred: ("value",),
    ast.NamedExpr: ("value",),
    ast.IfExp: ("body", "orelse"),
    ast.BoolOp: ("values",),
    ast.BinOp: ("left", "right"),
    ast.ListComp: ("elt",),
    ast.SetComp: ("elt",),
    ast.GeneratorExp: ("elt",),
}
ADDS: Final = frozenset({"append", "extend", "add"})
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
# A text, and which element of it counts where it is a tuple that is taken apart.
Step = tuple[ast.AST, int | None]


@dataclass
class Followed:
    """What the walk has found.

    Args:
        sentences: each warning as a template, with where it is written.
        phrases: texts that are put into a gap of a warning, likewise.
        lost: expressions that could not be followed.
    """

    sentences: dict[str, str] = field(default_factory=dict)
    phrases: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


class Code:
    """The source of packages: their functions, names and calls.

    Args:
        folders: the packages.
    """

    def __init__(self, *folders: Path) -> None:
        self.module: dict[ast.AST, str] = {}
        self.function: dict[ast.AST, FunctionNode | None] = {}
        self.tops: dict[str, dict[str, ast.AST]] = {}
        self.nodes: list[ast.AST] = []
        for path in (path for folder in folders for path in sorted(folder.rglob("*.py"))):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            tree = ast.parse(path.read_text(encoding="utf-8"))
            self._enter(tree, name, None)
            self.tops[name] = dict(_top_names(tree))

    def _enter(self, node: ast.AST, module: str, function: FunctionNode | None) -> None:
        self.nodes.append(node)
        self.module[node], self.function[node] = module, function
        inner = node if isinstance(node, FunctionNode) else function
        for child in ast.iter_child_nodes(node):
            self._enter(child, module, inner)

    def find(self, name: ast.AST, module: str) -> ast.AST | None:
        """Return what a name or ``module.name`` stands for at the top of a module: a function or a constant's value."""
        if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name):
            held = self.tops[module].get(name.value.id)
            if isinstance(held, ast.ImportFrom):
                return self.tops.get(f"{held.module}.{name.value.id}", {}).get(name.attr)
        if not isinstance(name, ast.Name):
            return None
        held = self.tops[module].get(name.id)
        return self.tops.get(held.module or "", {}).get(name.id) if isinstance(held, ast.ImportFrom) else held

    def text(self, node: ast.AST) -> str | None:
        """Return a text with ``{}`` for each of its gaps, constants of its module put in; None of what is no text."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if not isinstance(node, ast.JoinedStr):
            return None
        return "".join(self.part(part) for part in node.values)

    def part(self, part: ast.expr) -> str:
        """Return what a piece of an f-string is known to say: its text, its constant, or a gap."""
        if isinstance(part, ast.Constant):
            return str(part.value)
        held = self.find(part.value, self.module[part]) if isinstance(part, ast.FormattedValue) else None
        return held.value if isinstance(held, ast.Constant) and isinstance(held.value, str) else GAP

    def place(self, node: ast.AST) -> str:
        """Return module and line."""
        return f"{self.module[node]}:{getattr(node, 'lineno', 0)}"


class Walk:
    """Follows expressions back to the texts that they are made of.

    Args:
        code: where.
    """

    def __init__(self, code: Code) -> None:
        self.code = code
        self.found = Followed()
        self._seen: set[tuple[ast.AST, int | None, bool]] = set()
        self._strict = True

    def run(self) -> Followed:
        """Follow the warnings of every reading."""
        for step in self._given():
            self._follow(*step)
        return self.found

    def _given(self) -> Iterator[Step]:
        for node in self.code.nodes:
            if isinstance(node, ast.Call):
                yield from ((one.value, None) for one in node.keywords if one.arg == KEY)
                made = self.code.find(node.func, self.code.module[node])
                body = made.body if isinstance(made, ast.ClassDef) else []
                fields = [one.target for one in body if isinstance(one, ast.AnnAssign)]
                yield from (
                    (value, None) for name, value in zip(fields, node.args, strict=False) if _is_name(name, KEY)
                )
            elif isinstance(node, ast.Dict):
                yield from ((value, None) for key, value in zip(node.keys, node.values, strict=True) if _is_key(key))
            elif isinstance(node, ast.Assign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                parts = [one for target in targets for one in getattr(target, "elts", [target])]
                places = [
                    number for number, one in enumerate(parts) if isinstance(one, ast.Subscript) and _is_key(one.slice)
                ]
                yield from ((node.value, number if len(parts) > 1 else None) for number in places)

    def _follow(self, node: ast.AST, place: int | None) -> None:
        if (node, place, self._strict) in self._seen:
            return
        self._seen.add((node, place, self._strict))
        if (text := self.code.text(node)) is not None:
            self._keep(node, text)
            return
        steps = self._steps(node, place)
        if steps is None:
            if self._strict:
                self.found.lost.append(f"{self.code.place(node)}: {ast.unparse(node)}")
            return
        for step in steps:
            self._follow(*step)

    def _keep(self, node: ast.AST, text: str) -> None:
        if not text:
            return
        into = self.found.sentences if self._strict else self.found.phrases
        # One word in a gap is a name or a value; what has a blank within is said to a reader.
        if self._strict or " " in text.strip():
            into.setdefault(text, self.code.place(node))
        if isinstance(node, ast.JoinedStr):
            before, self._strict = self._strict, False
            for part in node.values:
                if isinstance(part, ast.FormattedValue) and self.code.part(part) == GAP:
                    self._follow(part.value, None)
            self._strict = before

    def _steps(self, node: ast.AST, place: int | None) -> list[Step] | None:
        if names := WITHIN.get(type(node)):
            held = [getattr(node, name) for name in names]
            return [(one, place) for part in held for one in (part if isinstance(part, list) else [part])]
        match node:
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
                is_open = place is None or any(isinstance(part, ast.Starred) for part in parts)
                return [(part, None) for number, part in enumerate(parts) if is_open or number == place]
            case ast.Subscript(value=inner, slice=cut) if not _is_key(cut):
                return [(inner, place)]
            case ast.Name():
                return self._bindings(node, place)
            case ast.Call():
                return self._results(node, place)
        return [] if isinstance(node, ast.Constant) or _is_kept(node) else None

    def _results(self, call: ast.Call, place: int | None) -> list[Step] | None:
        if called := self._functions(call):
            inner = [node for one in called for node in ast.walk(one)]
            ends = [node for node in inner if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom)]
            return [(end.value, place) for end in ends if end.value is not None]
        if isinstance(call.func, ast.Attribute) and call.func.attr == "format":
            return [(call.func.value, place)]
        if _called(call) in KEPT or not call.args:
            return []
        return [(call.args[0], place)] if _called(call) in PASSED_ON else None

    def _functions(self, call: ast.Call) -> list[FunctionNode]:
        """Return what a call may run: one function of the package, or each that a loop goes through."""
        module, within = self.code.module[call], self.code.function[call]
        names: list[ast.AST] = [call.func]
        if within is not None and isinstance(call.func, ast.Name):
            names += [one for value, _ in _bound(within, call.func.id, None) for one in ast.walk(value)]
        found = [self.code.find(name, module) for name in names]
        if isinstance(call.func, ast.Attribute) and _is_name(call.func.value, "self"):
            found += [one for one in self.code.nodes if self.code.module[one] == module and _named(one, call.func.attr)]
        return [one for one in found if isinstance(one, FunctionNode)]

    def _bindings(self, name: ast.Name, place: int | None) -> list[Step] | None:
        function = self.code.function[name]
        if function is not None:
            steps = [*_bound(function, name.id, place), *self._added(function, name.id)]
            names = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
            if name.id in names:
                steps += [(value, place) for value in self._passed(function, name.id, names.index(name.id))]
            if steps or name.id in names:
                return steps
        held = self.code.find(name, self.code.module[name])
        return [(held, place)] if held is not None and not isinstance(held, FunctionNode) else None

    def _added(self, function: FunctionNode, name: str) -> Iterator[Step]:
        """Yield what is put into a list here, or by a function that it is handed to."""
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Attribute) and _is_name(node.func.value, name) and node.func.attr in ADDS:
                yield from ((value, None) for value in node.args)
            callee = self.code.find(node.func, self.code.module[node])
            if isinstance(callee, FunctionNode) and callee is not function:
                for parameter, value in zip(callee.args.args, node.args, strict=False):
                    if _is_name(value, name):
                        yield from self._added(callee, parameter.arg)
                        yield from _grown(callee, parameter.arg)

    def _passed(self, function: FunctionNode, name: str, number: int) -> Iterator[ast.AST]:
        for node in self.code.nodes:
            if isinstance(node, ast.Call) and self.code.find(node.func, self.code.module[node]) is function:
                yield from (one.value for one in node.keywords if one.arg == name)
                yield from node.args[number : number + 1]


@cache
def follow_readers() -> Followed:
    """Return every sentence that a reader may warn with."""
    return Walk(Code(ROOT / "parsers")).run()


@cache
def follow_all() -> Followed:
    """Return the same for readers, gate and flows together."""
    return Walk(Code(*(ROOT / folder for folder in ("parsers", "warehouse", "flows")))).run()


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_key(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == KEY


def _is_kept(node: ast.AST) -> bool:
    """Say whether these are the warnings of something that was made elsewhere, and is followed there."""
    is_field = isinstance(node, ast.Attribute) and node.attr == KEY
    return is_field or (isinstance(node, ast.Subscript) and _is_key(node.slice))


def _named(node: ast.AST, name: str) -> bool:
    return isinstance(node, FunctionNode) and node.name == name


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _top_names(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, FunctionNode | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.ImportFrom):
            yield from ((one.asname or one.name, node) for one in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, node.value) for target in targets if isinstance(target, ast.Name))


def _bound(function: FunctionNode, name: str, place: int | None) -> Iterator[Step]:
    """Yield what a name is set to within a function."""
    yield from _grown(function, name)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.For | ast.comprehension):
            pairs = [(node.target, node.iter)]
        else:
            continue
        for target, value in pairs:
            if _is_name(target, name):
                yield value, place
            elif isinstance(target, ast.Tuple):
                yield from ((value, number) for number, one in enumerate(target.elts) if _is_name(one, name))


def _grown(function: FunctionNode, name: str) -> Iterator[Step]:
    for node in ast.walk(function):
        if isinstance(node, ast.AugAssign) and _is_name(node.target, name):
            yield node.value, None
