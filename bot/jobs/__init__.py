"""What runs in the evaluator's processes: entries that its zygotes import by name, what they get and what they give.

`snippets` runs in jailed children and is never trusted; `explaining` runs in explainers, without torch. The service
itself imports `work` only.
"""
