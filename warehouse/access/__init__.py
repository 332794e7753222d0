"""Who may come in: tokens, sessions of pages, and the log of what was done."""
