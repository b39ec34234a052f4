"""A graph as it was traced to one that a document can say: what is read, in scopes that are the names' own."""

from __future__ import annotations

from specbuild.importing.graph import SCOPE, Input, Node, Scope, Source, readers, replace_value


class Unsayable(Exception):  # noqa: N818  a fact for whoever adds the place
    """A scope that a document cannot say."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.message = name, message


def normalized(scope: Scope) -> None:
    """Leave out what nothing reads, give scopes one output each, and nest by the dots in names. Raises `Unsayable`."""
    single_outputs(scope)
    prune(scope)
    nest(scope, "")
    gather_joins(scope)
    shuffles(scope)
    prune(scope)
    order(scope)


def prune(scope: Scope) -> None:
    """Leave out nodes whose results nothing reads, and inputs of scopes that nothing in them reads."""
    while True:
        read = readers(scope)
        kept = [node for node in scope.nodes if id(node) in read]
        if len(kept) == len(scope.nodes):
            break
        scope.nodes = kept
    for node in scope.nodes:
        if node.scope is None:
            continue
        prune(node.scope)
        read = readers(node.scope)
        pairs = [(i, s) for i, s in zip(node.scope.inputs, node.sources, strict=True) if id(i) in read]
        node.scope.inputs, node.sources = [i for i, _ in pairs], [s for _, s in pairs]
        if len(pairs) == 1:
            node.scope.inputs[0].name = "input"
    read = readers(scope)
    if any(id(node) not in read for node in scope.nodes):
        prune(scope)


def single_outputs(scope: Scope) -> None:
    """Let each inner scope give the one output that is read; what it hands on untouched is read from outside."""
    for node in scope.nodes:
        if node.scope is None:
            continue
        taken = {source.result for reader in scope.nodes for source in reader.sources if source.value is node}
        taken |= {source.result for source in scope.outputs.values() if source.value is node}
        for result, source in list(node.scope.outputs.items()):
            if isinstance(source.value, Input):
                outside = node.sources[node.scope.inputs.index(source.value)]
                replace_value(scope, Source(node, result if len(node.scope.outputs) > 1 else None), outside)
                taken.discard(result)
        if None in taken:
            taken = {*(taken - {None}), next(iter(node.scope.outputs))}
        if len(taken) > 1:
            raise Unsayable(node.origin, f"gives {len(taken)} results that are read; a scope of a spec gives one")
        if taken:
            (name,) = taken
            assert name is not None
            source = node.scope.outputs[name]
            node.scope.outputs = {"output": source}
            replace_value(scope, Source(node, name), Source(node))
        single_outputs(node.scope)


def nest(scope: Scope, where: str) -> None:
    """Put nodes whose names have dots, as `layers.0` in a ModuleList, into scopes of their own."""
    while True:
        heads = [node.name.partition(".")[0] for node in scope.nodes if node.name is not None and "." in node.name]
        if not heads:
            break
        gather(scope, heads[0], where)
    for node in scope.nodes:
        if node.scope is not None:
            nest(node.scope, node.origin or where)


def gather(scope: Scope, head: str, where: str) -> None:
    """Make one scope of all nodes under a head, and of those between them."""
    members = [node for node in scope.nodes if node.name is not None and node.name.partition(".")[0] == head]
    inside = {id(node) for node in between(scope, members)}
    full = f"{where}.{head}" if where else head
    group = [node for node in scope.nodes if id(node) in inside]
    foreign = [node for node in group if node.name is not None and node.name.partition(".")[0] != head]
    if any(has_weights(node) for node in foreign):
        raise Unsayable(full, f"is not run as one part: `{foreign[0].origin}` runs in between")
    for node in foreign:
        node.name = None
    if any(node.name == head for node in members):
        raise Unsayable(full, "is itself called, and parts of it are called from outside too")
    inner, sources = Scope(nodes=group), []
    entries: dict[tuple[int, str | None], Input] = {}
    for node in group:
        node.name = node.name.partition(".")[2] if node.name is not None else None
        for index, source in enumerate(node.sources):
            if id(source.value) in inside:
                continue
            key = (id(source.value), source.result)
            if key not in entries:
                entries[key] = Input(f"input{len(entries) + 1}")
                sources.append(source._replace(keyword=None))
            node.sources[index] = Source(entries[key], None, source.keyword)
    inner.inputs = list(entries.values())
    if len(inner.inputs) == 1:
        inner.inputs[0].name = "input"
    made = Node(SCOPE, head, {}, sources, inner, "ModuleList", full)
    rest = [node for node in scope.nodes if id(node) not in inside]
    read = [s for node in rest for s in node.sources] + list(scope.outputs.values())
    out = {(id(s.value), s.result): s._replace(keyword=None) for s in read if id(s.value) in inside}
    if len(out) != 1:
        raise Unsayable(full, f"gives {len(out)} results that are read; a scope of a spec gives one")
    (result,) = out.values()
    inner.outputs = {"output": result}
    at = min(index for index, node in enumerate(scope.nodes) if id(node) in inside)
    scope.nodes = [*scope.nodes[:at], made, *[node for node in scope.nodes[at:] if id(node) not in inside]]
    replace_value(scope, result, Source(made))
    order(scope, deep=False)


def between(scope: Scope, members: list[Node]) -> list[Node]:
    """The members, and every node on a way from one of them to another."""
    after, before = {id(node) for node in members}, {id(node) for node in members}
    for node in scope.nodes:
        if any(id(source.value) in after for source in node.sources):
            after.add(id(node))
    for node in reversed(scope.nodes):
        if id(node) in before:
            before.update(id(source.value) for source in node.sources)
    chosen = after & before
    return [node for node in scope.nodes if id(node) in chosen]


def has_weights(node: Node) -> bool:
    """Whether a node's name is in keys of the `state_dict`; a scope may have some."""
    from specbuild.importing.documents import keyed

    return node.scope is not None or keyed(node.type)


def order(scope: Scope, *, deep: bool = True) -> None:
    """Put every node behind what it takes, and the output last; else in the order that is there."""
    done: set[int] = {id(entry) for entry in scope.inputs}
    waiting, found = list(scope.nodes), []
    last = {id(source.value) for source in scope.outputs.values()} if len(scope.outputs) == 1 else set()
    while waiting:
        ready = [n for n in waiting if all(id(s.value) in done for s in n.sources)]
        if not ready:
            raise Unsayable("", "its parts take each other's results in a circle")
        node = next((n for n in ready if id(n) not in last), ready[0])
        waiting.remove(node)
        found.append(node)
        done.add(id(node))
    scope.nodes = found
    if deep:
        for node in scope.nodes:
            if node.scope is not None:
                order(node.scope)


def gather_joins(scope: Scope) -> None:
    """Write the joins of densely connected scopes one after the other, which gives the same tensors.

    A scope that only joins its inputs takes them joined; a join whose first inputs are joined already takes
    those; a join of a scope's input and its output, read instead of the output, becomes the scope's end.
    """
    for node in scope.nodes:
        if node.scope is not None:
            gather_joins(node.scope)
    for node in list(scope.nodes):
        if node.scope is not None and len(node.scope.inputs) > 1:
            join_outside(scope, node)
    for node in list(scope.nodes):
        if node.scope is not None and len(node.scope.inputs) == 1 and lone_join(node.scope) is not None:
            drop_lone_join(node.scope)
    share_joins(scope)
    for node in list(scope.nodes):
        if node.type == "Concat" and len(node.sources) == 2:
            join_inside(scope, node)


def join_outside(scope: Scope, node: Node) -> None:
    """Take a join of all inputs out of a scope."""
    inner = node.scope
    assert inner is not None
    read = readers(inner)
    takers = {id(reader) for entry in inner.inputs for reader in read.get(id(entry), [])}
    join = next((n for n in inner.nodes if id(n) in takers), None)
    if len(takers) != 1 or join is None or join.type != "Concat":
        return
    if [source.value for source in join.sources] != inner.inputs:
        return
    outside = Node("Concat", None, dict(join.arguments), list(node.sources), origin=node.origin)
    entry = Input("input")
    inner.inputs = [entry]
    inner.nodes.remove(join)
    replace_value(inner, Source(join), Source(entry))
    node.sources = [Source(outside)]
    scope.nodes.insert(scope.nodes.index(node), outside)


def lone_join(scope: Scope) -> Node | None:
    """A join of one tensor only."""
    return next((node for node in scope.nodes if node.type == "Concat" and len(node.sources) == 1), None)


def drop_lone_join(scope: Scope) -> None:
    """A join of one tensor is that tensor."""
    while (join := lone_join(scope)) is not None:
        replace_value(scope, Source(join), join.sources[0])
        scope.nodes.remove(join)


def share_joins(scope: Scope) -> None:
    """Let joins of tensors that are joined already take those: `[a, b, c]` as `[[a, b], c]`."""
    made: dict[tuple[object, ...], Node] = {}
    for node in list(scope.nodes):
        if node.type != "Concat":
            continue
        dim = node.arguments["dim"]
        keys = [(id(source.value), source.result) for source in node.sources]
        if (same := made.get((dim, *keys))) is not None:
            replace_value(scope, Source(node), Source(same))
            scope.nodes.remove(node)
            continue
        for length in range(len(keys) - 1, 1, -1):
            if (first := made.get((dim, *keys[:length]))) is not None:
                node.sources = [Source(first), *node.sources[length:]]
                break
        made[dim, *keys] = node


def join_inside(scope: Scope, join: Node) -> None:
    """Put a join of a scope's input and output into the scope, where nothing else reads the output."""
    first, second = join.sources
    node = second.value
    if not isinstance(node, Node) or node.scope is None or second.result is not None:
        return
    if len(node.sources) != 1 or node.sources[0][:2] != first[:2] or readers(scope)[id(node)] != [join]:
        return
    inner = Node("Concat", None, dict(join.arguments), [Source(node.scope.inputs[0]), node.scope.output])
    inner.origin = node.origin
    node.scope.nodes.append(inner)
    node.scope.outputs = {"output": Source(inner)}
    replace_value(scope, Source(join), Source(node))
    scope.nodes.remove(join)


def shuffles(scope: Scope) -> None:
    """Channels in groups, the two axes exchanged, and one axis again: ChannelShuffle, for images of any size."""
    for node in list(scope.nodes):
        if node.scope is not None:
            shuffles(node.scope)
    read = readers(scope)
    for last in scope.nodes:
        swap = last.sources[0].value if last.type == "Reshape" else None
        if not isinstance(swap, Node) or swap.type != "Transpose" or read[id(swap)] != [last]:
            continue
        first = swap.sources[0].value
        if not isinstance(first, Node) or first.type != "Reshape" or read[id(first)] != [swap]:
            continue
        groups, each, *rest = first.arguments["shape"]
        if {swap.arguments["dim0"], swap.arguments["dim1"]} == {1, 2} and last.arguments["shape"] == [
            groups * each,
            *rest,
        ]:
            last.type, last.arguments, last.sources = "ChannelShuffle", {"groups": groups}, first.sources
