"""What the stage `tasks/occasions.py` is made of: when, where and to whom something was said, about whom, and by how many."""
