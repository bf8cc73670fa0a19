"""What went wrong, and its proof: rules that suspect, edits that are run, and the verdict on what came of them.

One diagnosis is one short function in the module of its family, with a positive, a control and its counterfactuals;
the engine knows none of them by name.
"""
