"""The dependency graph of a plan: stable order, remaining path, closures. The one module that uses networkx."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import networkx as nx

Edges = Mapping[str, Collection[str]]
"""Node -> the nodes that it needs. Every node is a key; order of keys is the stable order."""


def order(edges: Edges, key: Callable[[str], tuple[int, ...]] | None = None) -> tuple[str, ...]:
    """Needs first; among the ready ones by `key`, then by the order of `edges`. The graph must be acyclic."""
    index = {node: number for number, node in enumerate(edges)}
    rank = key or (lambda node: ())
    ordered = nx.lexicographical_topological_sort(_graph(edges), key=lambda node: (*rank(node), index[node]))
    return tuple(ordered)


def remaining(edges: Edges, cost: Mapping[str, int]) -> dict[str, int]:
    """For each node its own cost plus the dearest path of dependents above it (the critical path from it on)."""
    graph = _graph(edges)
    total: dict[str, int] = {}
    for node in reversed(list(nx.topological_sort(graph))):
        total[node] = cost[node] + max((total[up] for up in graph.successors(node)), default=0)
    return total


def groups(edges: Edges) -> dict[str, int]:
    """A number per node, equal for nodes that reach each other (strongly connected components)."""
    number: dict[str, int] = {}
    for index, members in enumerate(nx.strongly_connected_components(_graph(edges))):
        number.update(dict.fromkeys(members, index))
    return number


def closure(edges: Edges, starts: Iterable[str]) -> tuple[str, ...]:
    """The starts and everything that they need, transitively, in the order of `edges`."""
    seen: set[str] = set()
    stack = [node for node in starts if node in edges]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(need for need in edges[node] if need in edges)
    return tuple(node for node in edges if node in seen)


def _graph(edges: Edges) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(edges)
    graph.add_edges_from((need, node) for node, needs in edges.items() for need in needs if need in edges)
    return graph
