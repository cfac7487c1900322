"""What several reports have in common: copies, stories, utterances and where they come from."""
