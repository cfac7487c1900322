"""What several reports have in common: the wordings of one utterance, and the origins that reports go back to."""
