"""Pulumi resources, one room each. They take typed arguments and read no config."""
