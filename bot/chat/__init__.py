"""Discord: what people ask there in any of its ways becomes an Ask, and the Answer one reply.

A message walks ``client`` (is it for us?) → ``gathering`` (its text and files) → ``desk`` (one claim, one answer at a
time, edits and deletions) → ``composing`` (what of the Answer is shown) → ``surfaces`` (sent, edited, retried).
Commands, the message menu, modals and buttons join it at ``answering``.
"""
