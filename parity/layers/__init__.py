"""Where two networks diverge: graphs, alignment, local errors, the table."""
