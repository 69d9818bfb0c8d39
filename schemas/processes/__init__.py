"""Processes of ours: how they start and end, and how they report errors. A function goes in, a process comes out."""
