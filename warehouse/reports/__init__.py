"""Test reports: what a site says of itself (``site``), what a report is about (``subject``), numbers (``issue``)."""
