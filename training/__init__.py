"""What is learned from public data: the scripts that make the weights which ship, and nothing that runs in a build."""
