"""A snapshot's elements as a tree: children by name, slices by name, in order.

In a snapshot's list an element comes first, then its children, then its slices, each with their own children. Paths and
ids are left to the tree: `flatten` writes them from where an element stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from gateway.errors import BadProfile

Json = dict[str, Any]


class Node(msgspec.Struct):
    """An element and what is under it. `element` is shared until `own` is called; it is never changed in place."""

    name: str
    element: Json
    children: dict[str, Node] = {}
    slices: dict[str, Node] = {}
    """All slices, re-slices (`a/b`) right behind what they slice again."""
    origin: str = ""
    """Canonical of the structure where a contentReference of this element points into."""

    def own(self, changes: Json) -> None:
        """Give the element these members, without changing the one it was copied from."""
        self.element = {**self.element, **changes}

    def unsliced(self) -> Node:
        """The same branch again without its own slices: nodes are new, elements shared."""
        copied = {name: child.copy() for name, child in self.children.items()}
        return Node(self.name, self.element, copied, origin=self.origin)

    def copy(self) -> Node:
        """The same branch again with its slices."""
        node = self.unsliced()
        node.slices = {name: part.copy() for name, part in self.slices.items()}
        return node

    def size(self) -> int:
        """How many elements the branch has."""
        return 1 + sum(node.size() for node in (*self.children.values(), *self.slices.values()))

    def add_slice(self, name: str, node: Node) -> None:
        """Put a new slice behind the others; a re-slice behind what it slices again and that one's other re-slices."""
        parent = name.rpartition("/")[0]
        if not parent:
            self.slices[name] = node
            return
        ordered: dict[str, Node] = {}
        last = [key for key in self.slices if key == parent or key.startswith(parent + "/")][-1]
        for key, known in self.slices.items():
            ordered[key] = known
            if key == last:
                ordered[name] = node
        self.slices = ordered


def steps(identity: str) -> list[tuple[str, str]]:
    """An element id as (name, slice name or empty) per step: `a.b:c.d` is a, b with slice c, d."""
    found = []
    for step in identity.split("."):
        name, _, part = step.partition(":")
        found.append((name, part))
    return found


def grow(elements: Iterable[Json], *, origin: str) -> Node:
    """The tree of a snapshot's elements; BadProfile when an element has no place in it."""
    listed = iter(identified(elements))
    try:
        first_id, first = next(listed)
    except StopIteration:
        raise BadProfile(f"{origin} has an empty snapshot.") from None
    root = Node(steps(first_id)[0][0], first, origin=origin)
    for identity, element in listed:
        *way, (name, part) = steps(identity)
        parent = _descend(root, way[1:])
        if parent is None or (part and name not in parent.children):
            raise BadProfile(f"{origin}: the element {identity} of its snapshot comes before its parent.")
        if not part:
            parent.children[name] = Node(name, element, origin=origin)
        else:
            parent.children[name].slices[part] = Node(name, element, origin=origin)
    return root


def _descend(root: Node, way: list[tuple[str, str]]) -> Node | None:
    node: Node | None = root
    for name, part in way:
        node = node.children.get(name) if node else None
        if part:
            node = node.slices.get(part) if node else None
    return node


def flatten(root: Node) -> Iterator[Json]:
    """The snapshot's list, with ids and paths."""
    yield from _flatten(root, root.name, root.name, "")


def _flatten(node: Node, identity: str, path: str, part: str) -> Iterator[Json]:
    element = {"id": identity, "path": path, **{k: v for k, v in node.element.items() if k not in ("id", "path")}}
    if part:
        element["sliceName"] = part
    yield element
    for name, child in node.children.items():
        yield from _flatten(child, f"{identity}.{name}", f"{path}.{name}", "")
    for name, known in node.slices.items():
        yield from _flatten(known, f"{identity}:{name}", path, name)


def identified(elements: Iterable[Json]) -> Iterator[tuple[str, Json]]:
    """Elements with their ids; an element without one gets the id that its path, slice name and place imply."""
    above: list[tuple[str, str]] = []  # (path, id) of the element before and its ancestors
    for element in elements:
        path = element.get("path")
        if not isinstance(path, str):
            raise BadProfile("An element of a StructureDefinition has no path.")
        while above and not path.startswith(above[-1][0] + "."):
            above.pop()
        identity = element.get("id", "")
        if not _fits(identity, path):
            parent_path, parent_id = above[-1] if above else ("", "")
            identity = parent_id + path[len(parent_path) :]
            identity += f":{element['sliceName']}" if element.get("sliceName") else ""
        above.append((path, identity))
        yield identity, element


def _fits(identity: str, path: str) -> bool:
    """Whether an id is that of an element with this path; `value[x]:valueString` is also that of `valueString`."""
    known, wanted = steps(identity), path.split(".")
    return len(known) == len(wanted) and all(
        name == want or (name.endswith("[x]") and part == want)
        for (name, part), want in zip(known, wanted, strict=True)
    )
