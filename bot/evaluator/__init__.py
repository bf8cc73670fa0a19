"""Runs strangers' code in jailed processes, and our own code on strangers' numbers in locked ones.

The room knows processes and nothing about losses: what runs is named by a dotted entry point (`module:function`).
`supervisor.Evaluator` runs snippets, one forked child each; `explainer_pool.Explainers` keeps long-lived locked
processes.
"""
