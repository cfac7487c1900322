"""What several articles have in common: copies, stories, utterances and their origins."""
