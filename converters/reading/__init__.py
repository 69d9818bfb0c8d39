"""Reads files of a source that were listed some time ago, on this machine or in a store."""
