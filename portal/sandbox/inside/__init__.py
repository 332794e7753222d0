"""What runs inside the sandbox, and all of Cellar that can be seen from there."""
