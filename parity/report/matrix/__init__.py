"""A matrix: its rows as text and as a page of Markdown, every cell as CSV, and its files."""
