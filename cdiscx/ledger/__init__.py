"""Queries that live across uploads: what a run found, what became of it in later runs, in a book nobody can quietly change.

In: reports as their JSON object. Out: where every finding stands (`model.standing`), and entries that are only ever added.
"""
