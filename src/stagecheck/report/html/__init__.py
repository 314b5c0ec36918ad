"""The record of a run as a page: `html_of`. What is shown is chosen here; how it looks is the templates' business."""

from stagecheck.report.html.page import html_of

__all__ = ["html_of"]
