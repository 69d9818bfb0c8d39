"""What commands print: summaries, JSON documents and progress."""
