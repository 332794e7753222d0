"""When things happen, in what order and with which retry: the command line, the Prefect flows, the virtual lab."""
