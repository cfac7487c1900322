"""From raw bytes to labelled pieces of text, and the way back from a body to its bytes."""
