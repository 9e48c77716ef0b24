"""A snapshot's flat list of elements as a tree: children by name, slices under the element they slice."""

from __future__ import annotations

import msgspec

from gateway.errors import BadProfile
from gateway.validation.compiled import Json


class Node(msgspec.Struct, eq=False):
    """One element of a snapshot. `name` is the last step of its path; `slice` the name of the slice it is, if any."""

    element: Json
    name: str
    slice: str | None = None
    children: dict[str, Node] = {}
    slices: dict[str, Node] = {}

    @property
    def path(self) -> str:
        return str(self.element["path"])

    @property
    def id(self) -> str:
        return str(self.element.get("id") or self.path)


def tree(definition: Json) -> Node:
    """The root of a snapshot's tree; BadProfile when elements come in an order that makes no tree."""
    elements = definition.get("snapshot", {}).get("element") or ()
    root: Node | None = None
    open_nodes: list[Node] = []
    for element in elements:
        depth = element["path"].count(".")
        if root is None:
            if depth:
                break
            root = Node(element, element["path"])
            open_nodes = [root]
            continue
        if depth == 0 or depth > len(open_nodes):
            raise BadProfile(f"{definition.get('url')}: element {element['path']} comes without its parent.")
        del open_nodes[depth:]
        open_nodes.append(_attach(open_nodes[-1], element))
    if root is None:
        raise BadProfile(f"{definition.get('url')} has no snapshot.")
    return root


def _attach(parent: Node, element: Json) -> Node:
    name = element["path"].rpartition(".")[2]
    slice_name = _slice_name(element)
    sliced = parent.children.get(name)
    if slice_name and sliced is not None:
        node = Node(element, name, slice_name)
        holder = sliced
        head = slice_name
        while "/" in head:  # a slice of a slice: `a/b` belongs to slice `a`
            head = head.rpartition("/")[0]
            if head in sliced.slices:
                holder = _find(sliced, head) or sliced
                break
        holder.slices[slice_name] = node
        return node
    node = Node(element, name, slice_name)
    parent.children[name] = node
    return node


def _find(sliced: Node, name: str) -> Node | None:
    for slice_name, node in sliced.slices.items():
        if slice_name == name:
            return node
        deeper = _find(node, name)
        if deeper:
            return deeper
    return None


def _slice_name(element: Json) -> str | None:
    last = str(element.get("id", "")).rpartition(".")[2]
    if ":" in last and "/" not in element.get("sliceName", ""):
        return last.partition(":")[2]
    name = element.get("sliceName")
    if name and element.get("id") and ":" not in last and str(element["id"]).count(".") == element["path"].count("."):
        return None  # named, but by its id no slice
    return name
