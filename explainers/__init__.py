"""From a torch program to a proven, drawn explanation of its loss; knows no Discord and no processes."""
