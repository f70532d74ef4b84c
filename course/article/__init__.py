"""An article as it lies on disk becomes runs of whole lines with their Markdown."""
