"""What runs leave behind for those that come after them: a small row each, and what changes over many of them."""
