"""Look at a machine and a project, and say what is wrong: one file per thing looked at."""
