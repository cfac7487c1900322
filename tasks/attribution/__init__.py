"""Who said it: quotation marks, the cues outside of them, and the rules that tie a stretch to its speaker."""
