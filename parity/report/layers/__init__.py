"""The layers of one candidate: the suspects as text, all of them as CSV and as a plot."""
