#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One long walk through the transactions of a package manager that covers all short ones.

The state is which version (0: none) of each package is installed; a transaction changes
some of them, or reinstalls. Every sequence of DEPTH transactions that is possible from any
state that can be reached stands somewhere in the walk, in a few transactions more than
there are such sequences: enumerating them from an empty root would take each prefix again.

Usage: pkg-walk.py [--depth N] [--joint] [--each] NAME=VERSIONS...
  NAME=0,1,2   the versions of a package; the walk starts with the first of each
  --joint      also transactions of several packages, all installed or all erased
  --each       only each single operation once, in whatever state
Prints one transaction a line: NAME:FROM:TO...
"""
import argparse
import collections
import itertools


def single(states, state):
    for i, (name, versions) in enumerate(states):
        for to in versions:
            if state[i] != 0 or to != 0:
                yield ((i, state[i], to),)


def joint(states, state):
    for n in range(2, len(states) + 1):
        for some in itertools.combinations(range(len(states)), n):
            into = [[v for v in states[i][1] if v] for i in some]
            for to in itertools.product(*into):
                yield tuple((i, state[i], v) for i, v in zip(some, to))
            if all(state[i] and 0 in states[i][1] for i in some):
                yield tuple((i, state[i], 0) for i in some)


class Walk:
    def __init__(self, states, depth, use_joint, each):
        self.states, self.depth, self.use_joint, self.each = states, depth, use_joint, each
        self.cache = {}

    def edges(self, state):
        if state not in self.cache:
            found = list(single(self.states, state))
            if self.use_joint:
                found += joint(self.states, state)
            self.cache[state] = found
        return self.cache[state]

    def item(self, history, edge):
        """What taking EDGE covers; None: not a whole sequence yet."""
        if self.each:
            return edge
        window = history[1] + (edge,)
        if len(window) < self.depth:
            return None
        return (history[0], window)

    def step(self, history, edge):
        """A node is the state before the last DEPTH-1 transactions, and these."""
        state, window = history[0], history[1] + (edge,)
        while len(window) > (0 if self.each else self.depth - 1):
            state = self.apply(state, window[0])
            window = window[1:]
        return (state, window)

    @staticmethod
    def apply(state, edge):
        new = list(state)
        for i, _, to in edge:
            new[i] = to
        return tuple(new)

    def here(self, history):
        state = history[0]
        for edge in history[1]:
            state = self.apply(state, edge)
        return state

    def nearest(self, start, done):
        """Transactions from START to the end of something not covered yet; None: all is."""
        queue = collections.deque([(start, ())])
        seen = {start}
        while queue:
            node, path = queue.popleft()
            for edge in self.edges(self.here(node)):
                item = self.item(node, edge)
                if item is not None and item not in done:
                    return path + (edge,)
                following = self.step(node, edge)
                if following not in seen:
                    seen.add(following)
                    queue.append((following, path + (edge,)))
        return None

    def run(self):
        node = (tuple(versions[0] for _, versions in self.states), ())
        done = set()
        while True:
            path = self.nearest(node, done)
            if path is None:
                return
            for edge in path:
                item = self.item(node, edge)
                if item is not None:
                    done.add(item)
                node = self.step(node, edge)
                yield " ".join(f"{self.states[i][0]}:{a}:{b}" for i, a, b in edge)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", type=int, default=1)
    parser.add_argument("--joint", action="store_true")
    parser.add_argument("--each", action="store_true")
    parser.add_argument("packages", nargs="+")
    args = parser.parse_args()
    states = []
    for text in args.packages:
        name, versions = text.split("=")
        states.append((name, [int(v) for v in versions.split(",")]))
    for line in Walk(states, args.depth, args.joint, args.each).run():
        print(line)


main()
