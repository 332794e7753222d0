"""What metrics that SQL cannot do are computed from; the computations lie in packages of their own beside this one."""
