"""Inputs drawn at random for the whole way of `check`, and what counts as a finding.

An input is a function of its seed and its number. Three kinds: mutated bytes of ready and broken specs, trees
shaped like documents with keys and types of the catalogue, and specs with some values replaced.
"""
