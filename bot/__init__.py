"""The service around the explainers: reads a message, evaluates it in a jail, and answers.

Rooms: ``reading`` (message to Question), ``evaluator`` (jailed children and the socket service),
``answering`` (the walk from one to the other), ``exchange`` (the frozen types that cross the socket).
Nothing is imported here: each process of the service loads only the rooms it needs.
"""
