"""The record of a run as a page (`page`). What is shown is chosen here; how it looks is the templates' business."""
