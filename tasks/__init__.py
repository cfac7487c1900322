"""The stages: a module a stage, plain functions from frame to frame."""
