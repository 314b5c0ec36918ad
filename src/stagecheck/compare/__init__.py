"""Two targets side by side: the same requests to both, and in what their answers differ."""
