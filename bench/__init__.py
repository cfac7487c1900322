"""Speed and memory of whole builds, each measured in processes of its own."""
