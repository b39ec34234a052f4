"""Specs to begin with: YAML files, and `starting`, which makes a document of one."""
