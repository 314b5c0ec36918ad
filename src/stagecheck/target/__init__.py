"""Reaching a target: over HTTP, or a mock mounted in this process. One client seam for both."""
