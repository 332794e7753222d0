"""Charts as pure functions: frames in, a :class:`~portal.charts.figure.Figure` out, in no language yet."""
